using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Requests, attempts and status codes (dispatcher §7).</summary>
public class DeliveryTests
{
    /// <summary>DP-01, DP-02, DP-22, CEH-05 to CEH-08, CEW-01, OEG-01, OIN-12, RTE-04, RTE-05.</summary>
    [Fact]
    public async Task An_event_arrives_in_binary_mode_with_its_place_in_the_log()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.Append("1", headers: [("ce_subject", "a \"b\" é"), ("ce_ext", "v"), ("traceparent", "00-aa-bb-01"), ("x-other", "no")]);
        stage.Start(stage.Egress());
        var request = (await stage.Subscriber.CountAsync(1))[0];
        Assert.Equal("POST", request.Method);
        Assert.Equal("hello", Encoding.UTF8.GetString(request.Body.Span));
        Assert.Equal("1.0", request.Headers["ce-specversion"]);
        Assert.Equal("/s", request.Headers["ce-source"]);
        Assert.Equal("a%20%22b%22%20%C3%A9", request.Headers["ce-subject"]);
        Assert.Equal("v", request.Headers["ce-ext"]);
        Assert.Equal("0", request.Headers["ce-knativekafkaoffset"]);
        Assert.Equal("0", request.Headers["ce-knativekafkapartition"]);
        Assert.Equal("text/plain", request.Headers["content-type"]);
        Assert.DoesNotContain("ce-datacontenttype", request.Headers.Keys);
        Assert.Equal("reply", request.Headers["prefer"]);
        Assert.Equal("ns", request.Headers["kn-namespace"]);
        Assert.Equal("00-aa-bb-01", request.Headers["traceparent"]);
        Assert.DoesNotContain("x-other", request.Headers.Keys);
        await stage.CommittedAsync(1);
    }

    /// <summary>OEG-10; dispatcher §18 decision 17.</summary>
    [Fact]
    public async Task An_event_without_data_says_so()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.Append("1", data: null);
        stage.Start(stage.Egress());
        var request = (await stage.Subscriber.CountAsync(1))[0];
        Assert.Equal("0", request.Headers["content-length"]);
        Assert.True(request.Body.IsEmpty);
    }

    /// <summary>DEV-10, DP-01, CEH-16; CEH-03: a request for each event.</summary>
    [Fact]
    public async Task Format_json_is_delivered_in_structured_mode()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("0", "1", "2");
        stage.Start(stage.Egress(config: new EgressConfig { Format = "json" }));
        await stage.CommittedAsync(3);
        var offsets = new List<int>();
        foreach (var request in stage.Subscriber.Requests)
        {
            Assert.StartsWith("application/cloudevents+json", request.Headers["content-type"], StringComparison.Ordinal);
            using var json = System.Text.Json.JsonDocument.Parse(request.Body);
            offsets.Add(json.RootElement.GetProperty("knativekafkaoffset").GetInt32());
            Assert.Equal($"{offsets[^1]}", json.RootElement.GetProperty("id").GetString());
            Assert.Equal("hello", json.RootElement.GetProperty("data").GetString());
        }

        Assert.Equal([0, 1, 2], offsets.Order());
    }

    /// <summary>Dispatcher §4.6: overrides win, a bad name never stops anything.</summary>
    [Fact]
    public async Task Overrides_are_laid_over_the_event_and_bad_names_left_out()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.Append("1", headers: [("ce_over", "old")]);
        stage.Start();
        var resource = DispatcherStage.ResourceOf(stage.Egress());
        resource.CloudEventOverrides = new CloudEventOverrides();
        resource.CloudEventOverrides.Extensions.Add("OVER", "new");
        resource.CloudEventOverrides.Extensions.Add("my-ext", "v");
        stage.Publish(resource);
        var request = (await stage.Subscriber.CountAsync(1))[0];
        Assert.Equal("new", request.Headers["ce-over"]);
        Assert.DoesNotContain("ce-my-ext", request.Headers.Keys);
        Assert.Contains("my-ext", Assert.Single(stage.Log.Of(5002)), StringComparison.Ordinal);
    }

    /// <summary>DP-05, DP-09 to DP-18, OEG-02, RTE-11, CEW-02 to CEW-04.</summary>
    [Theory]
    [InlineData(200, 1, 0)]
    [InlineData(201, 1, 0)]
    [InlineData(202, 1, 0)]
    [InlineData(204, 1, 0)]
    [InlineData(299, 1, 0)]
    [InlineData(300, 1, 1)]
    [InlineData(302, 1, 1)]
    [InlineData(303, 1, 1)]
    [InlineData(308, 1, 1)]
    [InlineData(400, 1, 1)]
    [InlineData(401, 1, 1)]
    [InlineData(403, 1, 1)]
    [InlineData(404, 2, 1)]
    [InlineData(408, 2, 1)]
    [InlineData(409, 2, 1)]
    [InlineData(410, 1, 1)]
    [InlineData(422, 1, 1)]
    [InlineData(429, 2, 1)]
    [InlineData(499, 1, 1)]
    [InlineData(500, 2, 1)]
    [InlineData(503, 2, 1)]
    [InlineData(599, 2, 1)]
    [InlineData(600, 2, 1)]
    [InlineData(999, 2, 1)]
    public async Task A_status_is_success_failure_or_refusal(int status, int attempts, int deadLetters)
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(status) with { Headers = [("Location", stage.Subscriber.Url + "/elsewhere")] });
        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config(retry: 1)));
        await stage.CommittedAsync(1);
        Assert.Equal(attempts, stage.Subscriber.At("/sub").Count);
        Assert.Equal(deadLetters, stage.Subscriber.At("/dls").Count);
        Assert.Empty(stage.Subscriber.At("/elsewhere"));
        if (deadLetters > 0)
        {
            Assert.Equal($"{status}", stage.Subscriber.At("/dls")[0].Headers["ce-knativeerrorcode"]);
        }
    }

    /// <summary>DP-18, RTE-18: no answer is a failure that may pass, and each attempt has a time of its own.</summary>
    [Fact]
    public async Task No_answer_garbage_and_a_stalled_body_are_retried()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var stalled = Answer.StallAfterHead with { Headers = [("ce-specversion", "1.0"), ("ce-id", "r")] };
        stage.Subscriber.OnPath("/sub", Answer.Close, Answer.Garbage, Answer.Never, stalled, Answer.Ok);
        await stage.AppendAsync("1");
        var egress = stage.Egress(config: stage.Config(retry: 4));
        egress.EgressConfig.Timeout = 500;
        egress.ReplyToOriginalTopic = new Empty();
        stage.Start(egress);
        await stage.CommittedAsync(1);
        Assert.Equal(5, stage.Subscriber.At("/sub").Count);
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task A_subscriber_that_is_not_there_leads_to_the_dead_letter_sink()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("1");
        var egress = stage.Egress(config: stage.Config(retry: 1));
        egress.Destination = $"http://127.0.0.1:{FreePort.Next()}/gone";
        stage.Start(egress);
        var letter = (await stage.Subscriber.CountAsync(1, "/dls"))[0];
        Assert.Equal(egress.Destination, letter.Headers["ce-knativeerrordest"]);
        Assert.DoesNotContain("ce-knativeerrorcode", letter.Headers.Keys);
        await stage.CommittedAsync(1);
    }

    /// <summary>CEC-18, DP-20; dispatcher §7.6: delay 0 means at once.</summary>
    [Fact]
    public async Task A_retry_repeats_the_same_request()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(500), Answer.Status(404), Answer.Ok);
        await stage.Append("1", headers: [("ce_subject", "s")]);
        stage.Start(stage.Egress(config: stage.Config(retry: 3)));
        await stage.CommittedAsync(1);
        var requests = stage.Subscriber.At("/sub");
        Assert.Equal(3, requests.Count);
        Assert.All(requests, r => Assert.Equal(requests[0].Headers, r.Headers));
        Assert.All(requests, r => Assert.True(requests[0].Body.Span.SequenceEqual(r.Body.Span)));
    }

    [Fact]
    public async Task A_final_status_ends_the_retries()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.OnPath("/sub", Answer.Status(500), Answer.Status(400), Answer.Ok);
        await stage.AppendAsync("1");
        stage.Start(stage.Egress(config: stage.Config(retry: 3)));
        await stage.CommittedAsync(1);
        Assert.Equal(2, stage.Subscriber.At("/sub").Count);
        Assert.Equal("400", stage.Subscriber.At("/dls")[0].Headers["ce-knativeerrorcode"]);
    }

    /// <summary>The settings of the egress hide those of the resource, an empty message too (dispatcher §9).</summary>
    [Fact]
    public async Task Delivery_settings_are_those_of_the_egress_or_else_of_the_resource()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Subscriber.Otherwise(r => r.Path == "/dls" ? Answer.Ok : Answer.Status(500));
        await stage.AppendAsync("1");
        stage.Start();
        var resource = DispatcherStage.ResourceOf(
            stage.Egress("own", "/own", new EgressConfig { Retry = 2 }),
            stage.Egress("inherited", "/inherited")
        );
        resource.EgressConfig = stage.Config(retry: 1);
        stage.Publish(resource);
        await stage.CommittedAsync(1, "group-own");
        await stage.CommittedAsync(1, "group-inherited");
        Assert.Equal(3, stage.Subscriber.At("/own").Count);
        Assert.Equal(2, stage.Subscriber.At("/inherited").Count);
        Assert.Single(stage.Subscriber.At("/dls"));
    }

    /// <summary>Dispatcher §7.4: a subscriber that closes kept connections must not cost attempts.</summary>
    [Fact]
    public async Task A_connection_closed_after_an_answer_costs_no_attempt()
    {
        await using var closing = ClosingSubscriber.Start();
        await using var stage = await DispatcherStage.SetAsync();
        var egress = stage.Egress(config: stage.Config(retry: 0));
        egress.Destination = closing.Url;
        egress.DeliveryOrder = DeliveryOrder.Ordered;
        await stage.AppendAsync(DispatcherStage.Ids(200));
        stage.Start(egress);
        await stage.CommittedAsync(200);
        Assert.Empty(stage.Subscriber.At("/dls"));
        Assert.True(closing.Answered >= 200);
    }

    /// <summary>OEG-08, RTE-16.</summary>
    [Fact]
    public async Task Events_that_the_filter_drops_are_committed()
    {
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync(DispatcherStage.Ids(10), type: "other");
        await stage.AppendAsync(["yes"], type: "mine");
        await stage.AppendAsync(DispatcherStage.Ids(10, 20), type: "other");
        var egress = stage.Egress();
        egress.Filter = new Filter();
        egress.Filter.Attributes.Add("type", "mine");
        stage.Start(egress);
        await stage.CommittedAsync(21);
        Assert.Equal(["yes"], stage.IdsAt("/sub"));
    }
}
