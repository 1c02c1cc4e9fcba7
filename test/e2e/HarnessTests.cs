using System.Net;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests;

/// <summary>The test parts themselves: a test that leans on them must be able to fail.</summary>
public sealed class HarnessTests
{
    [Fact]
    public async Task A_subscriber_answers_as_scripted_and_records_what_it_got()
    {
        await using var subscriber = await Subscriber.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(subscriber.Url) };
        subscriber.OnPath("/a?b=c", Answer.Status(503), Answer.Ok with { Headers = [("x-y", "z")], Body = "hi"u8.ToArray() });
        subscriber.OnPath("/close", Answer.Close);
        subscriber.OnPath("/garbage", Answer.Garbage);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.PostAsync("/a?b=c", new StringContent("1"))).StatusCode);
        for (var i = 0; i < 2; i++)
        {
            using var answer = await client.PostAsync("/a?b=c", new StringContent("2"));
            Assert.Equal("z", answer.Headers.GetValues("x-y").Single());
            Assert.Equal("hi", await answer.Content.ReadAsStringAsync());
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync("/close", null));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync("/garbage", null));
        Assert.Equal(["1", "2", "2"], (await subscriber.CountAsync(3, at: "/a?b=c")).Select(request => request.Text));
    }

    [Fact]
    public async Task A_subscriber_can_hold_and_stall_answers()
    {
        await using var subscriber = await Subscriber.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(subscriber.Url) };
        var released = new TaskCompletionSource();
        subscriber.OnPath("/held", Answer.Ok with { Until = released.Task });
        subscriber.OnPath("/stalled", Answer.StallAfterHead);

        var held = client.PostAsync("/held", null);
        await subscriber.CountAsync(1);
        Assert.False(held.IsCompleted);
        released.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await held).StatusCode);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/stalled");
        using var stalled = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var body = stalled.Content.ReadAsStringAsync();
        Assert.Equal(1, subscriber.Running);
        await subscriber.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => body);
    }

    [Fact]
    public async Task A_process_is_heard_and_ended()
    {
        await using var cat = ChildProcess.Start("cat", []);
        await cat.Input.WriteLineAsync("one two");
        await cat.Input.FlushAsync();
        Assert.Equal("two", (await cat.LineAsync("one (.*)")).Groups[1].Value);
        Assert.Equal(128 + 15, await cat.TerminateAsync());
    }

    [Fact]
    public async Task Three_nodes_of_Kafka_lose_one_and_get_it_back()
    {
        await using var kafka = await KafkaCluster.StartAsync(nodes: 3);
        await kafka.CreateTopicAsync("orders", partitions: 3);
        await kafka.Nodes[1].KillAsync();
        Assert.False(kafka.Nodes[1].IsRunning);
        await kafka.CreateTopicAsync("invoices");
        await kafka.Nodes[1].StartAsync();
    }
}
