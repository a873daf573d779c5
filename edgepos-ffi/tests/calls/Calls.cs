// What calls.c does, through the class library for C#.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

class Calls
{
    static byte[] Bytes(string digits)
    {
        return Enumerable.Range(0, digits.Length / 2).Select(at => Convert.ToByte(digits.Substring(at * 2, 2), 16)).ToArray();
    }

    static TimeSpan Time(string ms) { return TimeSpan.FromMilliseconds(long.Parse(ms)); }

    static string Done(Action call) { call(); return "done"; }

    static string Shown(long? value) { return value?.ToString(CultureInfo.InvariantCulture); }

    static string EventsSince(Edgepos.Node node, string cursor)
    {
        using (var events = node.EventsSince(cursor, false))
        {
            string some = "none\n", skipped = "";
            while (true)
            {
                try
                {
                    if (events.Next(TimeSpan.FromMinutes(1)) == null) return some + skipped + "cursor\t" + events.Cursor();
                    some = "some\n";
                }
                catch (Edgepos.EdgeposException error) when (error.Status == Edgepos.Status.Damaged)
                {
                    skipped += "skipped\t" + events.Skip() + "\n";
                }
            }
        }
    }

    static void Main(string[] arguments)
    {
        // Where a comma stands in a number, and digits are grouped.
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { NewLine = "\n" };
        var node = new Edgepos.Node(File.ReadAllText(arguments[0]));
        var calls = new Dictionary<string, Func<string[], string>>
        {
            ["begin"] = g => node.Begin(g[1]), ["update"] = g => node.Update(g[1]), ["commit"] = g => node.Commit(g[1]),
            ["record"] = g => node.Record(g[1]), ["claim"] = g => node.Claim(g[1]), ["basket"] = g => node.Basket(g[1]),
            ["document"] = g => node.Document(g[1]), ["customer"] = g => node.Customer(g[1]), ["documents"] = g => node.Documents(g[1]),
            ["attachments"] = g => node.Attachments(g[1]), ["attachment"] = g => node.Attachment(g[1]),
            ["receipts_of_basket"] = g => node.ReceiptsOfBasket(g[1]), ["receipts_of_key"] = g => node.ReceiptsOfKey(g[1]),
            ["transaction"] = g => node.Transaction(g[1]), ["event"] = g => node.Event(g[1]), ["product"] = g => node.Product(g[1]),
            ["exceptions_after"] = g => node.ExceptionsAfter(g[1]), ["open_exceptions_after"] = g => node.OpenExceptionsAfter(g[1]),
            ["resolve"] = g => node.Resolve(g[1]), ["resolutions"] = g => node.Resolutions(g[1]),
            ["unresolved"] = g => node.Unresolved(), ["unresolved_payments"] = g => node.UnresolvedPayments(), ["status"] = g => node.Status(),
            ["diagnosis"] = g => node.Diagnosis(), ["elections"] = g => node.Elections(), ["lost"] = g => node.Lost(),
            ["metrics"] = g => node.Metrics(), ["address"] = g => node.Address(),
            ["abandon"] = g => Done(() => node.Abandon(g[1])), ["park"] = g => Done(() => node.Park(g[1])),
            ["keep_key"] = g => Done(() => node.KeepKey(g[1])), ["admit"] = g => Done(() => node.Admit(g[1])),
            ["retire"] = g => Done(() => node.Retire(g[1])), ["use_models"] = g => Done(() => node.UseModels(g[1])),
            ["recognise"] = g => node.Recognise(Bytes(g[1]), Time(g[2])), ["read_barcode"] = g => node.ReadBarcode(Bytes(g[1]), Time(g[2])),
            ["hear"] = g => node.Hear(Bytes(g[1]), Time(g[2])), ["score"] = g => node.Score(g[1], Time(g[2])),
            ["forecast"] = g => Edgepos.Node.Forecast(g[1]),
            ["transactions"] = g => node.Transactions(g[1], g[2], uint.Parse(g[3])),
            ["counter"] = g => Shown(node.CounterOf((Edgepos.Counter)uint.Parse(g[1]), Bytes(g[2]), uint.Parse(g[3]), uint.Parse(g[4]))),
            ["counters_after"] = g => node.CountersAfter((Edgepos.Counter)uint.Parse(g[1]), g[2]),
            ["product_at"] = g => node.ProductAt(g[1], ulong.Parse(g[2])),
            ["day_figures"] = g => node.DayFigures(uint.Parse(g[1]), ushort.Parse(g[2])),
            ["price"] = g => node.Price(g[1], ushort.Parse(g[2]), ulong.Parse(g[3])),
            ["durability"] = g => Shown(node.Durability(g[1])), ["next_notice"] = g => node.NextNotice(Time(g[1])),
            ["next_to_sign"] = g => node.NextToSign(Time(g[1])), ["signed"] = g => node.Signed(g[1]) ? "done" : null,
            ["report_condition"] = g => Done(() => node.ReportCondition(g[1], ulong.Parse(g[2]), g[3])),
            ["report_inference"] = g => Done(() => node.ReportInference(uint.Parse(g[1]), ulong.Parse(g[2]))),
            ["replace"] = g => Done(() => node.Replace(ushort.Parse(g[1]), g[2] == "1")),
            ["write_off"] = g => Done(() => node.WriteOff(ushort.Parse(g[1]))),
            ["raise_level"] = g => Shown(node.RaiseLevel()), ["flush"] = g => Done(node.Flush), ["step_down"] = g => Done(node.StepDown),
            ["flush_until_uploaded"] = g => node.FlushUntilUploaded(Time(g[1])) > 0 ? "1" : "0",
            ["close"] = g => node.Close(Time(g[1])) > 0 ? "1" : "0",
            ["events_since"] = g => EventsSince(node, g[1]),
        };
        var name = "";
        foreach (var line in File.ReadLines(arguments[1]))
        {
            var given = line.Replace("$event", name).Replace('\u2400', '\0').Split('\t').Concat(new string[8].Select(_ => "")).ToArray();
            string answer;
            try { answer = calls[given[0]](given) ?? "nothing"; }
            catch (Edgepos.EdgeposException error) { answer = "refused " + (int)error.Status + " " + error.Message; }
            output.WriteLine(given[0] + "\t" + answer);
            var at = answer.IndexOf("\"event\":\"", StringComparison.Ordinal) + 9;
            if (given[0] == "record" && !answer.StartsWith("refused", StringComparison.Ordinal)) name = answer;
            else if (given[0] == "commit" && at > 8) name = answer.Substring(at, answer.IndexOf('"', at) - at);
        }
        output.Flush();
        node.Dispose();
    }
}
