using System.Collections.Concurrent;
using System.Globalization;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>
/// A million requests and more, most of them broken in some way: the receiver answers every one or closes its connection, accepts no event that is
/// invalid, refuses none that is valid, and stores what it acknowledged as it was sent.
/// </summary>
[Collection(nameof(FuzzCollection))]
public sealed class IngressFuzzTests(ITestOutputHelper output)
{
    private const int Connections = 8;

    /// <summary>As many are told; most have the same reason.</summary>
    private const int MostFaults = 10;

    [Fact]
    public async Task Whatever_is_sent_is_answered_and_only_valid_events_are_accepted()
    {
        var options = FuzzOptions.FromEnvironment();
        await using var receiver = await FuzzedReceiver.StartAsync(Connections);
        var start = TimeProvider.System.GetTimestamp();
        var faults = new ConcurrentQueue<string>();
        var runs = Enumerable.Range(0, Connections).Select(i => Task.Run(() => RunAsync(receiver, options, i, faults)));
        var counts = await Task.WhenAll(runs);
        var (requests, accepted) = (counts.Sum(count => count.Requests), counts.Sum(count => count.Accepted));
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{requests} requests in {counts.Sum(count => count.Sessions)} connections, {accepted} accepted, in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s"
            )
        );
        Assert.True(faults.IsEmpty, string.Join("\n\n", faults));
        Assert.Empty(receiver.Errors.Lines);
        var (sessions, cut) = (counts.Sum(count => count.Sessions), counts.Sum(count => count.Cut));
        Assert.True(cut <= 1 + (sessions / 100), $"{cut} of {sessions} connections broke before all answers were there.");
        Assert.True(
            options.Session is not null || accepted > requests / 10,
            $"Only {accepted} of {requests} were accepted: this tests too little."
        );
    }

    /// <summary>The sessions of one connection after the other. Which of them a Broker serves follows from their number.</summary>
    private static async Task<(long Requests, long Accepted, int Sessions, int Cut)> RunAsync(
        FuzzedReceiver receiver,
        FuzzOptions options,
        int broker,
        ConcurrentQueue<string> faults
    )
    {
        long requests = 0,
            accepted = 0;
        int sessions = 0,
            cut = 0;
        var first = options.Session ?? broker;
        for (var number = first; first % Connections == broker && requests < options.Requests / Connections; number += Connections)
        {
            var session = Session.Make(options.Seed, number, FuzzedReceiver.Path(broker));
            var run = new SessionRun(session);
            var fault = await run.RunAsync(receiver.Port, () => receiver.Take(broker));
            if (receiver.Errors.Lines.TryDequeue(out var error))
            {
                fault = $"{fault}\nAn error was logged: {error}";
            }

            if (fault is not null)
            {
                faults.Enqueue($"{fault}\nAgain with: {options.Again(number)}");
            }

            requests += session.Count;
            accepted += run.Accepted;
            sessions++;
            cut += run.IsCut ? 1 : 0;
            if (options.Session is not null || faults.Count >= MostFaults)
            {
                break;
            }
        }

        return (requests, accepted, sessions, cut);
    }
}

/// <summary>The fuzz test takes the whole machine, so it runs when no other test waits for something.</summary>
[CollectionDefinition(nameof(FuzzCollection), DisableParallelization = true)]
public sealed class FuzzCollection;
