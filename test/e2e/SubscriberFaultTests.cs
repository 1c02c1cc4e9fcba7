using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.EndToEnd.Tests;

/// <summary>Subscribers that misbehave: every event ends either delivered or as one dead letter, and others notice nothing (DP-15, DP-17, DP-18, RTE-10, RTE-13).</summary>
public sealed class SubscriberFaultTests
{
    private static readonly Dictionary<string, Answer> Faults = new(StringComparer.Ordinal)
    {
        ["fails"] = Answer.Status(503),
        ["closes"] = Answer.Close,
        ["garbage"] = Answer.Garbage,
        ["stalls"] = Answer.StallAfterHead,
        ["silent"] = Answer.Never,
    };

    [Fact]
    public async Task A_subscriber_that_fails_closes_stalls_or_talks_garbage_is_tried_again_then_given_up()
    {
        await using var subscriber = await Subscriber.StartAsync();
        using var folder = new TemporaryFolder();
        var delivery =
            $"{{retry: 2, backoffPolicy: linear, backoffDelay: PT0.1S, timeout: PT1S, deadLetterSink: {{uri: '{subscriber.Url}/dead'}}}}";
        folder
            .Broker("orders")
            .Trigger("moody", "orders", subscriber.Url + "/moody", delivery: delivery)
            .Trigger("healthy", "orders", subscriber.Url + "/healthy");
        await using var dev = new Dev(folder);
        await dev.StartAsync("orders");
        using var sender = new Sender(dev.Url("orders"));

        subscriber.Otherwise(request => request.Path == "/moody" ? AnswerMoodily(subscriber, request) : Answer.Ok);
        foreach (var fault in Faults.Keys)
        {
            await sender.MustSendAsync($"{fault}-twice");
            await sender.MustSendAsync($"{fault}-always");
        }

        await Ledger.NothingIsLostAsync(sender, subscriber, "/healthy");
        await Ledger.NothingIsLostAsync(sender, subscriber, "/moody");
        foreach (var fault in Faults.Keys)
        {
            await Eventually.True(() => Attempts(subscriber, "/dead", $"{fault}-always") == 1, () => $"the dead letter of {fault}-always");
            await Eventually.True(() => Attempts(subscriber, "/moody", $"{fault}-twice") == 3, () => $"the third attempt of {fault}-twice");
        }

        // retry: 2 is three requests, neither more nor fewer (CPD-10), and what was delivered in the end is no dead letter.
        Assert.Equal(
            Faults.Keys.Select(fault => $"{fault}: 3 and 0"),
            Faults.Keys.Select(fault =>
                $"{fault}: {Attempts(subscriber, "/moody", $"{fault}-always")} and {Attempts(subscriber, "/dead", $"{fault}-twice")}"
            )
        );

        var letter = subscriber.At("/dead").Single(request => request.EventId == "fails-always");
        Assert.Equal("503", letter["ce-knativeerrorcode"]);
        Assert.Equal(subscriber.Url + "/moody", letter["ce-knativeerrordest"]);
    }

    [Fact]
    public async Task Of_a_hundred_Triggers_one_is_dead_and_the_others_get_everything()
    {
        const int Triggers = 100;
        const int Events = 100;
        const string Dead = "/t37";
        var revived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscriber = await Subscriber.StartAsync();
        subscriber.OnPath(Dead, Answer.Ok with { Until = revived.Task });
        using var folder = new TemporaryFolder();
        folder.Broker("orders");
        for (var i = 0; i < Triggers; i++)
        {
            folder.Trigger($"t{i}", "orders", $"{subscriber.Url}/t{i}", order: i % 2 == 0 ? "unordered" : "ordered");
        }

        await using var dev = new Dev(folder);
        await dev.StartAsync("orders");
        using var sender = new Sender(dev.Url("orders"));
        for (var i = 0; i < Events; i++)
        {
            await sender.MustSendAsync($"event-{i}");
        }

        var others = Enumerable.Range(0, Triggers).Select(i => $"/t{i}").Where(path => path != Dead).ToArray();
        foreach (var path in others)
        {
            await subscriber.CountAsync(Events, at: path, TimeSpan.FromSeconds(60));
        }

        // All others are done while the dead one is stuck with what fits into its own lane.
        Assert.InRange(subscriber.At(Dead).Count, 1, Events - 1);

        revived.SetResult();
        await Ledger.NothingIsLostAsync(sender, subscriber, Dead);
    }

    private static Answer AnswerMoodily(Subscriber subscriber, ReceivedRequest request)
    {
        var (fault, until) = request.EventId.Split('-') is [var name, var kind] ? (Faults[name], kind) : (Answer.Ok, "never");
        // The request itself is not among the recorded ones yet.
        return until == "twice" && Attempts(subscriber, request.Path, request.EventId) >= 2 ? Answer.Ok : fault;
    }

    private static int Attempts(Subscriber subscriber, string path, string id) =>
        subscriber.At(path).Count(request => request.EventId == id);
}
