using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Telemetry;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using static Brokkr.Dispatcher.Tests.Telemetry.Scrapes;

namespace Brokkr.Dispatcher.Tests.Telemetry;

/// <summary>Our own series about Triggers, and the lag under the name that the original's consumers give it (dispatcher §11.3).</summary>
public sealed class TriggerGaugesTests : IDisposable
{
    private readonly PrometheusMetrics _metrics = new(
        new PrometheusOptions { RefreshBudget = TimeSpan.FromSeconds(10) },
        TimeProvider.System
    );

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task A_Trigger_that_gets_nothing_delivered_shows_lag_age_attempts_and_waiting_retries()
    {
        await using var stage = await SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(503));
        var egress = stage.Egress("g-stuck", config: stage.Config(retry: 5, delay: 3_600_000));
        egress.DeliveryOrder = DeliveryOrder.Ordered;
        await stage.AppendAsync(DispatcherStage.Ids(200));
        stage.Options = stage.Options with { WindowRecords = 2, WindowBytes = 1024 };
        stage.Start(egress);

        // Far less than that has been read: nothing is read on for a Trigger that takes nothing.
        await EventuallyAsync("brokkr_dispatcher_retries_waiting", 1, Of("g-stuck"));
        await EventuallyAsync(
            "brokkr_dispatcher_lag",
            200,
            Of("g-stuck", """messaging_destination_partition_id="0",""", """messaging_destination_name="events",""")
        );
        Assert.True(stage.Store.RecordsRead < 200);

        var text = await _metrics.ScrapeAsync();
        Assert.Equal(1, Value(text, "brokkr_dispatcher_attempts_total", Of("g-stuck", """target="subscriber",""", """result="failed",""")));
        Assert.Equal(
            0,
            Value(text, "brokkr_dispatcher_attempts_total", Of("g-stuck", """target="subscriber",""", """result="succeeded","""))
        );
        Assert.Empty(Lines(text, "brokkr_dispatcher_attempts_total", Of("g-stuck", """target="reply",""")));
        Assert.Equal(1, Value(text, "brokkr_dispatcher_unfinished_events", Of("g-stuck")));
        Assert.Equal(0, Value(text, "brokkr_dispatcher_in_flight", Of("g-stuck")));
        Assert.Equal(0, Value(text, "brokkr_dispatcher_dropped_events_total", Of("g-stuck")));
        Assert.Equal(199, Value(text, "kafka_consumer_fetch_manager_records_lag_max", """client_id="consumer-group-g-stuck-1","""));
        var before = Value(text, "brokkr_dispatcher_oldest_event_age_seconds", Of("g-stuck"));
        Assert.NotNull(before);
        await Eventually.True(
            async () => Value(await _metrics.ScrapeAsync(), "brokkr_dispatcher_oldest_event_age_seconds", Of("g-stuck")) > before,
            "the oldest event grows older"
        );
    }

    [Fact]
    public async Task A_Trigger_that_is_done_with_everything_has_no_lag_and_shows_what_it_did()
    {
        await using var stage = await SetAsync();
        stage.Subscriber.OnEvent("bad", Answer.Status(400));
        stage.Start(stage.Egress("g-done", config: stage.Config()));
        await stage.AppendAsync("1", "2", "bad");
        await stage.CommittedAsync(3, "group-g-done");
        await EventuallyAsync("brokkr_dispatcher_commits_total", _ => true, Of("g-done", """result="stored","""));

        var text = await _metrics.ScrapeAsync();
        Assert.Equal(0, Value(text, "brokkr_dispatcher_lag", Of("g-done")));
        Assert.Equal(0, Value(text, "brokkr_dispatcher_oldest_event_age_seconds", Of("g-done")));
        Assert.Equal(0, Value(text, "kafka_consumer_fetch_manager_records_lag_max", """client_id="consumer-group-g-done-1","""));
        Assert.Equal(
            2,
            Value(text, "brokkr_dispatcher_attempts_total", Of("g-done", """result="succeeded",""", """target="subscriber","""))
        );
        Assert.Equal(1, Value(text, "brokkr_dispatcher_attempts_total", Of("g-done", """result="refused",""", """target="subscriber",""")));
        Assert.Equal(1, Value(text, "brokkr_dispatcher_attempts_total", Of("g-done", """target="deadLetterSink",""")));
        Assert.Equal(3, Value(text, "brokkr_dispatcher_taken_records_total", Of("g-done", """from="window",""")));
        Assert.Equal(0, Value(text, "brokkr_dispatcher_taken_records_total", Of("g-done", """from="catch_up",""")));
        Assert.Equal(0, Value(text, "brokkr_dispatcher_commits_total", Of("g-done", """result="failed",""")));

        // A partition's own series of the original's client come a minute later, as there.
        Assert.Empty(Lines(text, "kafka_consumer_fetch_manager_records_lag", """client_id="consumer-group-g-done-1","""));
    }

    [Fact]
    public async Task Records_of_a_reader_that_brings_a_Trigger_back_are_told_apart()
    {
        await using var stage = await SetAsync();
        stage.Options = stage.Options with { MaxPollRecords = 5, WindowBytes = 32 * 1024, CatchUpBytes = 16 * 1024 };
        var released = new TaskCompletionSource();
        stage.Subscriber.Otherwise(request => request.Path == "/slow" ? Answer.Ok with { Until = released.Task } : Answer.Ok);
        stage.Start(stage.Egress("g-fast", "/fast"), stage.Egress("g-slow", "/slow"));
        await stage.CommittedAsync(0, "group-g-slow");
        await stage.CommittedAsync(0, "group-g-fast");
        await stage.AppendAsync(DispatcherStage.Ids(1000), data: new string('x', 500));
        await stage.CommittedAsync(1000, "group-g-fast");
        released.SetResult();
        await stage.CommittedAsync(1000, "group-g-slow");

        var text = await _metrics.ScrapeAsync();
        Assert.Equal(1000, Value(text, "brokkr_dispatcher_taken_records_total", Of("g-fast", """from="window",""")));
        var window = Value(text, "brokkr_dispatcher_taken_records_total", Of("g-slow", """from="window","""));
        var catchUp = Value(text, "brokkr_dispatcher_taken_records_total", Of("g-slow", """from="catch_up","""));
        Assert.True(catchUp > 0);
        Assert.Equal(1000, window + catchUp);
    }

    [Fact]
    public async Task The_series_of_a_Trigger_go_with_it()
    {
        await using var stage = await SetAsync();
        var stays = stage.Egress("g-stays");
        stage.Start(stays, stage.Egress("g-goes"));
        await stage.AppendAsync("1");
        await stage.CommittedAsync(1, "group-g-goes");
        await EventuallyAsync("brokkr_dispatcher_lag", 0, Of("g-goes"));
        stage.Publish(stays);
        await Eventually.True(
            async () => !(await _metrics.ScrapeAsync()).Contains("g-goes", StringComparison.Ordinal),
            "no series of the Trigger that went"
        );
        Assert.NotEmpty(Lines(await _metrics.ScrapeAsync(), "brokkr_dispatcher_lag", Of("g-stays")));
    }

    [Fact]
    public async Task Subscriptions_of_one_channel_are_told_apart_by_their_group()
    {
        await using var stage = await SetAsync();
        var first = stage.Egress("g-channel-1");
        var second = stage.Egress("g-channel-2");
        second.Reference = first.Reference;
        stage.Start(first, second);
        await stage.AppendAsync("1");
        await EventuallyAsync("brokkr_dispatcher_taken_records_total", 1, Of("g-channel-1", """group="group-g-channel-1",""", "window"));
        await EventuallyAsync("brokkr_dispatcher_taken_records_total", 1, Of("g-channel-1", """group="group-g-channel-2",""", "window"));
    }

    private async Task<DispatcherStage> SetAsync()
    {
        var stage = await DispatcherStage.SetAsync();
        stage.Series = _metrics;
        return stage;
    }

    private static string[] Of(string trigger, params string[] more) => [$"kn_trigger_name=\"{trigger}\",", .. more];

    private Task EventuallyAsync(string name, double value, string[] labels) => EventuallyAsync(name, found => found.Equals(value), labels);

    private async Task EventuallyAsync(string name, Func<double, bool> isRight, string[] labels)
    {
        var text = "";
        await Eventually.True(
            async () =>
            {
                text = await _metrics.ScrapeAsync();
                return Value(text, name, labels) is { } value && isRight(value);
            },
            () => $"{name} of {string.Join(' ', labels)}: {string.Join('\n', Lines(text, name, labels))}"
        );
    }
}
