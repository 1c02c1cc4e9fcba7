using Brokkr.Core.Contract.Wire;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Testing.Http;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Answers that hardly anyone gives (dispatcher §7, §8).</summary>
public class AnswerTests
{
    /// <summary>DP-09: a protocol nobody asked for is no delivery. DP-07: what HTTP says before its answer is no answer.</summary>
    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n", 1)]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 1)]
    public async Task Statuses_below_200(string answer, int deadLetters)
    {
        await using var subscriber = ClosingSubscriber.Start(answer);
        await using var stage = await DispatcherStage.SetAsync();
        await stage.AppendAsync("1");
        var egress = stage.Egress(config: stage.Config(retry: 3));
        egress.Destination = subscriber.Url;
        stage.Start(egress);
        await stage.CommittedAsync(1);
        Assert.Equal(1, subscriber.Answered);
        Assert.Equal(deadLetters, stage.Subscriber.At("/dls").Count);
    }

    /// <summary>CEH-19: attributes that make no event, and nothing else, are no reply.</summary>
    [Theory]
    [InlineData("ce-specversion")]
    [InlineData("ce-specversion ce-id ce-source")]
    [InlineData("ce-id ce-source ce-type")]
    public async Task Half_an_event_without_a_body_is_no_reply(string attributes)
    {
        await using var stage = await DispatcherStage.SetAsync();
        var headers = attributes.Split(' ').Select(name => (name, "1.0")).ToArray();
        stage.Subscriber.OnPath("/sub", Answer.Ok with { Headers = headers });
        await stage.AppendAsync("1");
        var egress = stage.Egress(config: stage.Config(retry: 3));
        egress.ReplyToOriginalTopic = new Empty();
        stage.Start(egress);
        await stage.CommittedAsync(1);
        Assert.Single(stage.Subscriber.At("/sub"));
        Assert.Empty(stage.Subscriber.At("/dls"));
        Assert.Single(await stage.RecordsAsync(DispatcherStage.Topic));
    }
}
