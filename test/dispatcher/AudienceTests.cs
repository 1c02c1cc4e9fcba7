using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher.Tests.Stage;
using Brokkr.Dispatcher.Tests.Tokens;
using Brokkr.Dispatcher.Tokens;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Dispatcher.Tests;

/// <summary>Whoever has an audience gets events with a token, and without one gets none (dispatcher §7.9, OEG-01, RSEC-06 to RSEC-08, KBR-23).</summary>
public sealed class AudienceTests
{
    [Fact]
    public async Task The_subscriber_gets_a_token_for_its_audience_and_nobody_else_gets_one()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var tokens = new ScriptedTokens();
        stage.Tokens = tokens;
        stage.Start(Guarded(stage.Egress()), stage.Egress("open", "/open"));
        await stage.AppendAsync(DispatcherStage.Ids(20));
        await stage.CommittedAsync(20);
        await stage.CommittedAsync(20, "group-open");
        Assert.All(stage.Subscriber.At("/sub"), request => Assert.Equal("Bearer trigger-sa-for-sub-audience-1", request["authorization"]));
        Assert.All(stage.Subscriber.At("/open"), request => Assert.Null(request["authorization"]));
        Assert.Equal([new TokenIdentity("ns", "trigger-sa", "sub-audience")], tokens.Asked);
    }

    [Fact]
    public async Task A_token_that_is_refused_is_renewed_within_the_attempt()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Tokens = new ScriptedTokens();
        stage.Subscriber.Otherwise(request =>
            request["authorization"] == "Bearer trigger-sa-for-sub-audience-2" ? Answer.Ok : Answer.Status(401)
        );
        stage.Start(Guarded(stage.Egress(config: stage.Config())));
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        await stage.AppendAsync("1");
        await stage.CommittedAsync(2);
        Assert.Equal(["0", "0", "1"], stage.IdsAt("/sub"));
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task Whoever_refuses_every_token_does_not_make_every_event_ask_for_one()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var tokens = new ScriptedTokens();
        stage.Tokens = tokens;
        stage.Time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        stage.Subscriber.OnPath("/sub", Answer.Status(401));
        var egress = Guarded(stage.Egress(config: stage.Config()));
        egress.DeliveryOrder = DeliveryOrder.Ordered;
        stage.Start(egress);
        await stage.AppendAsync(DispatcherStage.Ids(20));
        await stage.Subscriber.CountAsync(20, "/dls");
        Assert.Equal(2, tokens.Asked.Count);
        Assert.Equal(21, stage.Subscriber.At("/sub").Count);
    }

    [Fact]
    public async Task So_does_the_dead_letter_sink()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Tokens = new ScriptedTokens();
        stage.Subscriber.OnPath("/sub", Answer.Status(500));
        var config = stage.Config();
        config.DeadLetterAudience = "dls-audience";
        stage.Start(Guarded(stage.Egress(config: config)));
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        Assert.StartsWith("Bearer trigger-sa-for-sub-audience-", Assert.Single(stage.Subscriber.At("/sub"))["authorization"]);
        Assert.StartsWith("Bearer trigger-sa-for-dls-audience-", Assert.Single(stage.Subscriber.At("/dls"))["authorization"]);
    }

    [Fact]
    public async Task So_does_the_URL_of_replies()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Tokens = new ScriptedTokens();
        stage.Subscriber.OnPath(
            "/sub",
            Answer.Ok with
            {
                Headers =
                [
                    ("ce-specversion", "1.0"),
                    ("ce-id", "reply"),
                    ("ce-source", "/r"),
                    ("ce-type", "r"),
                    ("content-type", "text/plain"),
                ],
                Body = Encoding.UTF8.GetBytes("reply"),
            }
        );
        var egress = stage.Egress();
        egress.ReplyUrl = stage.Subscriber.Url + "/reply";
        egress.ReplyUrlAudience = "reply-audience";
        egress.OidcServiceAccountName = "trigger-sa";
        stage.Start(egress);
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        Assert.Null(Assert.Single(stage.Subscriber.At("/sub"))["authorization"]);
        Assert.Equal("Bearer trigger-sa-for-reply-audience-1", Assert.Single(stage.Subscriber.At("/reply"))["authorization"]);
    }

    [Fact]
    public async Task While_there_is_no_token_nothing_is_sent_and_attempts_are_repeated()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var tokens = new ScriptedTokens { Problem = "the issuer is away" };
        stage.Tokens = tokens;
        stage.Start(Guarded(stage.Egress(config: stage.Config(retry: 1000, delay: 100))), stage.Egress("open", "/open"));
        await stage.AppendAsync("0");
        await Eventually.True(() => tokens.Asked.Count >= 2, "another attempt to get a token");
        await stage.CommittedAsync(1, "group-open");
        Assert.Empty(stage.Subscriber.At("/sub"));
        Assert.Contains(
            stage.Log.Of(5017),
            line => line.Contains("there is no token for audience 'sub-audience'", StringComparison.Ordinal)
        );
        Assert.Contains("the issuer is away", Assert.Single(stage.Log.Of(5024)));

        tokens.Problem = null;
        await stage.CommittedAsync(1);
        Assert.NotNull(Assert.Single(stage.Subscriber.At("/sub"))["authorization"]);
        Assert.Empty(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task When_the_attempts_are_spent_the_event_is_a_dead_letter_that_the_subscriber_never_saw()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Start(Guarded(stage.Egress(config: stage.Config(retry: 2, delay: 1))));
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        Assert.Empty(stage.Subscriber.At("/sub"));
        var letter = Assert.Single(stage.Subscriber.At("/dls"));
        Assert.Equal(stage.Subscriber.Url + "/sub", letter["ce-knativeerrordest"]);
        Assert.Null(letter["ce-knativeerrorcode"]);
        Assert.Contains(stage.Log.Of(5017), line => line.Contains("no source of tokens", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_that_does_not_come_in_the_time_of_an_attempt_is_a_failed_attempt()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Tokens = new ScriptedTokens { Until = new TaskCompletionSource().Task };
        var config = stage.Config();
        config.Timeout = 50;
        stage.Start(Guarded(stage.Egress(config: config)));
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        Assert.Empty(stage.Subscriber.At("/sub"));
        Assert.Single(stage.Subscriber.At("/dls"));
    }

    [Fact]
    public async Task An_audience_that_comes_or_goes_holds_from_the_next_attempt_on()
    {
        await using var stage = await DispatcherStage.SetAsync();
        stage.Tokens = new ScriptedTokens();
        stage.Start(stage.Egress());
        await stage.AppendAsync("0");
        await stage.CommittedAsync(1);
        stage.Publish(Guarded(stage.Egress()));
        await Eventually.True(() => stage.Log.Of(5007).Count() == 1, "the audience");
        await stage.AppendAsync("1");
        await stage.CommittedAsync(2);
        stage.Publish(stage.Egress());
        await Eventually.True(() => stage.Log.Of(5007).Count() == 2, "no audience");
        await stage.AppendAsync("2");
        await stage.CommittedAsync(3);
        Assert.Equal(
            [null, "Bearer trigger-sa-for-sub-audience-1", null],
            stage.Subscriber.At("/sub").Select(request => request["authorization"])
        );
    }

    [Fact]
    public async Task A_dispatcher_that_stops_waits_for_a_token_no_longer_than_for_an_answer()
    {
        await using var stage = await DispatcherStage.SetAsync();
        var tokens = new ScriptedTokens { Until = new TaskCompletionSource().Task };
        stage.Tokens = tokens;
        stage.Options = stage.Options with { StopBudget = TimeSpan.FromMilliseconds(100) };
        stage.Start(Guarded(stage.Egress()));
        await stage.AppendAsync("0");
        await Eventually.True(() => !tokens.Asked.IsEmpty, "an attempt");
        await Eventually.Completes(stage.Host.StopAsync(), "the dispatcher to stop");
        Assert.Empty(stage.Subscriber.Requests);
        Assert.Equal(0, await stage.CommittedAsync() ?? 0);
    }

    private static Egress Guarded(Egress egress)
    {
        egress.DestinationAudience = "sub-audience";
        egress.OidcServiceAccountName = "trigger-sa";
        return egress;
    }
}
