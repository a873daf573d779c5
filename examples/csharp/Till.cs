// A till in C#: sells, takes back, asks again after a crash, prints a receipt, reads notices.
//
//     Till.exe CONFIG STEP...
//
// The steps are those of examples/c/till.c.

using System;
using System.Diagnostics;
using System.IO;
using Edgepos;

internal static class Till
{
    private const string Product = "4006381333931";
    private const long Price = 129;

    // The text behind a field of an answer. A till has a reader of JSON for that.
    private static string Field(string answer, string name)
    {
        var at = answer.IndexOf("\"" + name + "\":", StringComparison.Ordinal);
        if (at < 0) return "";
        at += name.Length + 3;
        if (answer[at] == '"') at++;
        return answer.Substring(at, answer.IndexOfAny(new[] { '"', ',', '}' }, at) - at);
    }

    // A till draws its names at random, and writes the key down before it asks. Here both follow from the number of the basket.
    private static string Name(long no, char kind) { return kind + no.ToString("x31"); }

    // Whatever may be refused is refused here, before the customer pays.
    private static string Begin(Node node, string basket, string docType, long quantity, string original = "")
    {
        var line = "{\"no\":1,\"product\":\"" + Product + "\",\"quantity\":" + quantity + ",\"unit_price\":" + Price + ",\"amount\":"
            + quantity * Price + original + "}";
        var draft = "{\"basket\":\"" + basket + "\",\"doc_type\":\"" + docType + "\",\"currency\":\"EUR\",\"lines\":[" + line + "]}";
        return Field(node.Begin(draft), "total");
    }

    // Asked again with the same key, the sale is booked once and has one receipt.
    private static string Commit(Node node, string basket, string key, string amount)
    {
        return node.Commit("{\"basket\":\"" + basket + "\",\"key\":\"" + key + "\",\"tenders\":[{\"kind\":\"cash\",\"amount\":" + amount + "}]}");
    }

    private static void Sell(Node node, long no, string step)
    {
        var basket = Name(no, 'b');
        var total = step == "again" ? (2 * Price).ToString() : Begin(node, basket, "sale", 2);
        // … the customer pays …
        var booked = Commit(node, basket, Name(no, 'a'), total);
        if (step == "kill") Process.GetCurrentProcess().Kill();
        Console.WriteLine("sold {0} total {1} repeated {2}", no, Field(booked, "total"), Field(booked, "repeated"));
    }

    private static void TakeBack(Node node, long no)
    {
        var original = ",\"original\":{\"basket\":\"" + Name(no, 'b') + "\",\"line\":1}";
        var total = Begin(node, Name(no, 'd'), "return", -1, original);
        var booked = Commit(node, Name(no, 'd'), Name(no, 'c'), total);
        Console.WriteLine("returned {0} total {1}", no, Field(booked, "total"));
    }

    private static void Receipt(Node node, long no)
    {
        var receipts = node.ReceiptsOfBasket(Name(no, 'b'));
        var booked = receipts == "[]" ? null : node.Transaction(Field(receipts, "event"));
        if (booked == null)
        {
            Console.WriteLine("receipt {0} unknown", no);
            return;
        }
        Console.WriteLine("receipt {0}\n  {1} x {2}  {3}\n  total {4}", no, Field(booked, "quantity"), Field(booked, "product"),
            Field(booked, "amount"), Field(booked, "total"));
    }

    private static void Notices(Node node)
    {
        bool recorded = false, others = false;
        string notice;
        while ((notice = node.NextNotice(TimeSpan.FromMilliseconds(200))) != null)
        {
            if (Field(notice, "notice") == "recorded") recorded = true; else others = true;
        }
        Console.WriteLine("notices {0} {1}", recorded ? "recorded" : "nothing", others ? "others" : "no others");
    }

    private static void Receive(Node node, long quantity)
    {
        node.Record("{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"" + Product + "\",\"quantity\":" + quantity + "}]}");
        Console.WriteLine("received {0}", quantity);
    }

    // All pages as one: what each has between its brackets.
    private static string Counters(Node node)
    {
        string all = "", after = null;
        while (after != "null")
        {
            var page = node.CountersAfter(Counter.Any, after);
            int from = page.IndexOf('[') + 1, to = page.IndexOf("],\"next\":", StringComparison.Ordinal);
            all += (all == "" || from == to ? "" : ",") + page.Substring(from, to - from);
            after = Field(page, "next");
        }
        return "{\"counters\":[" + all + "],\"next\":null}";
    }

    // Does a step; how many arguments it took.
    private static int Step(Node node, string what, string argument)
    {
        switch (what)
        {
            case "notices": Notices(node); return 1;
            case "stock": Console.WriteLine("stock {0}", node.CounterOf(Counter.Stock, Product)); return 1;
            case "wait": Console.WriteLine("left {0}", node.FlushUntilUploaded(TimeSpan.FromSeconds(30))); return 1;
            case "counters": Console.WriteLine("counters {0}", Counters(node)); return 1;
            case "hold": Console.In.ReadToEnd(); return 1;
            case "receive": Receive(node, long.Parse(argument)); return 2;
            case "return": TakeBack(node, long.Parse(argument)); return 2;
            case "receipt": Receipt(node, long.Parse(argument)); return 2;
            case "sell": case "kill": case "again": Sell(node, long.Parse(argument), what); return 2;
            default: throw new ArgumentException(what + ": no such step");
        }
    }

    private static int Main(string[] arguments)
    {
        Console.Out.NewLine = "\n";
        using (var node = new Node(File.ReadAllText(arguments[0])))
        {
            for (var at = 1; at < arguments.Length;)
            {
                at += Step(node, arguments[at], at + 1 < arguments.Length ? arguments[at + 1] : null);
                Console.Out.Flush();
            }
            node.Close(TimeSpan.Zero);
        }
        return 0;
    }
}
