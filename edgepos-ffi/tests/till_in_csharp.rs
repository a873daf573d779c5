//! A till in C#, on a class library for .NET, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;

use support::tills;

#[test]
fn a_till_in_csharp_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_csharp(folder.path()) else { return };
    till.lives_through_a_crash();
}

/// What .NET calls infinite is below zero, and a time that is over is as well. Half a character is no name.
const TIMES: &str = r#"
using System;
using System.Threading;

class Waiting
{
    internal Thread Thread;
    internal Exception Error;
}

class Times
{
    // Inside once another call is answered that this one is busy.
    static Waiting Waits(Func<TimeSpan, string> next)
    {
        var waiting = new Waiting();
        waiting.Thread = new Thread(() =>
        {
            while (waiting.Error == null)
            {
                try { next(Timeout.InfiniteTimeSpan); }
                // The other thread may be inside, for a moment.
                catch (Edgepos.EdgeposException error) when (error.Status == Edgepos.Status.Busy) { }
                catch (Exception error) { waiting.Error = error; }
            }
        }) { IsBackground = true };
        waiting.Thread.Start();
        while (true)
        {
            try { next(TimeSpan.Zero); }
            catch (Edgepos.EdgeposException error) when (error.Status == Edgepos.Status.Busy) { return waiting; }
            Thread.Yield();
        }
    }

    static void Main()
    {
        using (var node = new Edgepos.Node(CONFIG))
        {
            node.Record("{\"type\":\"day_opened\",\"day\":20261130}");
            while (node.NextNotice(TimeSpan.FromMilliseconds(100)) != null) { }
            if (node.NextNotice(TimeSpan.FromMilliseconds(-5)) != null) throw new Exception("there was a notice");
            using (var events = node.EventsSince(null, false))
            {
                if (events.Next(Timeout.InfiniteTimeSpan) == null) throw new Exception("it did not wait");
            }
            using (var all = node.EventsSince(null, false))
            {
                GC.Collect();
                while (all.Next(TimeSpan.FromSeconds(60)) != null) { }
            }
            try
            {
                node.Product("milk\uD83D");
                throw new Exception("it was made another name");
            }
            catch (ArgumentException) { }
            // Whoever waits for an event waits no longer when the reading is disposed; a second time does nothing.
            var read = node.EventsSince(null, true);
            var reader = Waits(read.Next);
            read.Dispose();
            read.Dispose();
            if (!reader.Thread.Join(TimeSpan.FromSeconds(60))) throw new Exception("it waits on");
            node.Close(TimeSpan.FromSeconds(-5));
        }
        // Who waits is told when the node is disposed, and its file is free then.
        var disposed = new Edgepos.Node(CONFIG);
        var said = Waits(disposed.NextNotice);
        disposed.Dispose();
        disposed.Dispose();
        said.Thread.Join();
        if (said.Error == null) throw new Exception("it was told nothing");
        try
        {
            disposed.Status();
            throw new Exception("it was used after it was disposed");
        }
        catch (ObjectDisposedException) { }
        // So is who waits for a cloud that does not answer.
        var flushed = new Edgepos.Node(CONFIG);
        flushed.Record("{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"milk\",\"quantity\":1}]}");
        var told = false;
        var flush = new Thread(() =>
        {
            try { flushed.FlushUntilUploaded(Timeout.InfiniteTimeSpan); }
            catch (Edgepos.EdgeposException) { told = true; }
            catch (ObjectDisposedException) { told = true; }
        }) { IsBackground = true };
        flush.Start();
        Thread.Sleep(500);
        flushed.Dispose();
        if (!flush.Join(TimeSpan.FromSeconds(60)) || !told) throw new Exception("it flushes on, or says that it has");
        // Left as it is, with a thread that waits: the program ends all the same.
        Waits(new Edgepos.Node(CONFIG).NextNotice);
        Console.WriteLine("done");
    }
}
"#;

#[test]
fn what_is_infinite_waits_and_a_time_below_zero_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path()).replace('"', "\"\"");
    let file = folder.path().join("Times.cs");
    fs::write(&file, TIMES.replace("CONFIG", &format!("@\"{config}\""))).unwrap();
    let Some(till) = tills::csharp(folder.path(), &file) else { return };
    let output = till.command(Path::new("-"), &[]).output().unwrap();
    assert_eq!(support::text(&output.stdout), "done\n", "{}", support::text(&output.stderr));
    assert_eq!(support::text(&output.stderr), "");
    assert!(output.status.success());
}
