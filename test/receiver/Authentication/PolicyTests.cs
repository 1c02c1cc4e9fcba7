using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Receiver.Authentication;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.Authentication.TestIssuer;
using static Brokkr.Receiver.Tests.Authentication.TokenTests;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>Who of those with a token may send what (receiver-and-core §11.4), and that a change of it holds at once.</summary>
public sealed class PolicyTests
{
    private static readonly TestKey Key = new("k-1");

    [Fact]
    public async Task RSEC_09_RSEC_10_KBR_24_KSK_11_Only_those_may_send_whom_a_policy_is_for()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(
            issuer,
            Policy([Exact("sub", Sender)]),
            Policy([Prefix("sub", "system:serviceaccount:trusted:")])
        );
        const string structured = """{"specversion":"1.0","id":"1","source":"/s","type":"t"}""";
        (string Subject, int Status)[] senders =
        [
            (Sender, 202),
            (Sender + "x", 403),
            ("system:serviceaccount:trusted:anybody", 202),
            ("system:serviceaccount:trusted", 403),
            ("", 403),
        ];
        foreach (var (subject, status) in senders)
        {
            var token = Key.Sign(Claims(("sub", subject)));
            var answer = await SendAsync(receiver, token);
            var other = await RawClient.OnceAsync(
                receiver.Port,
                RawClient.Body("application/cloudevents+json", structured, "/ns/a", $"Authorization: Bearer {token}\r\n")
            );
            Assert.Equal((status, status), (answer.Status, other.Status));
            if (status == 403)
            {
                answer.IsProblem(403, "forbidden");
                Assert.Contains($"'{subject}'", answer.Body, StringComparison.Ordinal);
                Assert.Equal("Bearer error=\"insufficient_scope\"", answer["www-authenticate"]);
            }
        }

        Assert.Equal(4, (await receiver.RecordsAsync("t-a")).Count);
    }

    [Fact]
    public async Task RSEC_11_RSEC_13_Subject_and_filters_of_one_policy_must_both_hold_and_several_policies_are_alternatives()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(
            issuer,
            Policy([Exact("sub", "one")], Type("one."), Source("/src")),
            Policy([Exact("sub", "two"), Exact("sub", "one")], Type("two.")),
            Policy([Exact("sub", "all")])
        );
        (string Subject, string Type, int Status)[] cases =
        [
            ("one", "one.x", 202),
            ("one", "two.x", 202),
            ("one", "three.x", 403),
            ("two", "one.x", 403),
            ("two", "two.x", 202),
            ("all", "three.x", 202),
            ("none", "one.x", 403),
        ];
        foreach (var (subject, type, status) in cases)
        {
            var token = Key.Sign(Claims(("sub", subject)));
            var request = $"{RawClient.Head("/ns/a", type: type)}Authorization: Bearer {token}\r\nContent-Length: 2\r\n\r\nhi";
            var answer = await RawClient.OnceAsync(receiver.Port, request);
            Assert.True(answer.Status == status, $"{subject} {type}: {answer.Status} {answer.Body}");
        }
    }

    [Fact]
    public async Task A_batch_is_stored_if_every_event_of_it_may_be_sent_and_else_none_is()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer, Policy([Prefix("sub", "")], Type("good")));
        var more = $"Authorization: Bearer {Key.Sign(Claims())}\r\n";
        static string One(string type) => $$"""{"specversion":"1.0","id":"1","source":"/s","type":"{{type}}","data":[1]}""";
        const string batch = "application/cloudevents-batch+json";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(batch, $"[{One("good")},{One("bad")}]", "/ns/a", more))).IsProblem(
            403,
            "forbidden"
        );
        Assert.Empty(await receiver.RecordsAsync("t-a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body(batch, $"[{One("good")},{One("good")}]", "/ns/a", more))).Is(202);
        Assert.Equal(2, (await receiver.RecordsAsync("t-a")).Count);
    }

    [Fact]
    public async Task RSEC_14_The_default_authorization_mode_comes_as_policies_and_without_any_nobody_may_send()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer, Policy([Prefix("sub", "system:serviceaccount:ns:")]));
        (await SendAsync(receiver, Key.Sign(Claims()))).Is(202);
        (await SendAsync(receiver, Key.Sign(Claims(("sub", "system:serviceaccount:other:x"))))).IsProblem(403, "forbidden");
        receiver.Publish(Guarded("a"));
        (await SendAsync(receiver, Key.Sign(Claims()))).IsProblem(403, "forbidden");
        receiver.Publish(Guarded("a", Policy([Prefix("sub", "")])));
        (await SendAsync(receiver, Key.Sign(Claims(("sub", "system:serviceaccount:other:x"))))).Is(202);
        receiver.Publish(TestReceiver.Broker("a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
    }

    [Fact]
    public void Matchers_see_claims_as_flat_names_with_lists_of_text()
    {
        var claims = """
            {"iss":"i","list":["a",2,true,null,["deep"]],"n":1.50,"t":true,"o":{"p":{"q":"r"},"s":["u"]},"objects":[{"x":"1"},{"x":"2"}],"nothing":null}
            """;
        var token = VerifiedToken.Read(Encoding.UTF8.GetBytes(claims), "i", out _)!;
        Assert.Equal(["a", "2", "true", "deep"], token.Values("list"));
        Assert.Equal(["1.50"], token.Values("n"));
        Assert.Equal(["r"], token.Values("o.p.q"));
        Assert.Equal(["u"], token.Values("o.s"));
        Assert.Equal(["1", "2"], token.Values("objects.x"));
        Assert.Empty(token.Values("nothing"));
        Assert.Empty(token.Values("o"));
        Assert.Null(token.Subject);
    }

    [Fact]
    public void A_matcher_wants_all_of_its_claims_an_empty_one_nothing_and_an_unknown_one_lets_nobody_in()
    {
        var token = VerifiedToken.Read("""{"iss":"i","sub":"abc","group":["x","y"]}"""u8.ToArray(), "i", out _)!;
        Assert.True(Admits(Exact("sub", "abc")));
        Assert.True(Admits(Exact("group", "y")));
        Assert.False(Admits(Exact("group", "x y")));
        Assert.False(Admits(Exact("sub", "ABC")));
        Assert.True(Admits(Prefix("sub", "ab")));
        Assert.False(Admits(Prefix("sub", "abcd")));
        Assert.True(Admits(Prefix("sub", "")));
        Assert.False(Admits(Prefix("other", "")));
        Assert.True(Admits(new TokenMatcher { Exact = new Exact { Attributes = { ["sub"] = "abc", ["group"] = "x" } } }));
        Assert.False(Admits(new TokenMatcher { Exact = new Exact { Attributes = { ["sub"] = "abc", ["group"] = "z" } } }));
        Assert.True(Admits(new TokenMatcher { Exact = new Exact() }));
        Assert.True(Admits(new TokenMatcher { Prefix = new Prefix() }));
        Assert.False(Admits(new TokenMatcher()));
        Assert.False(Admits());
        Assert.True(Admits(Exact("sub", "no"), Exact("sub", "abc")));

        bool Admits(params TokenMatcher[] matchers) =>
            Access.From(new Ingress { Audience = "x", EventPolicies = { Policy(matchers) } })!.Admits(token);
    }

    [Fact]
    public async Task A_resource_whose_policies_cannot_be_read_is_not_served_even_if_it_was_before()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TestReceiver.StartAsync(
            new ReceiverOptions { Issuer = issuer.Options },
            TestReceiver.Broker("a"),
            TestReceiver.Broker("b")
        );
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        var broken = new DialectedFilter { Cesql = new CESQL { Expression = "((" } };
        receiver.Publish(Guarded("a", Policy([Prefix("sub", "")], broken)), TestReceiver.Broker("b"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(404, "unknown-resource");
        (await SendAsync(receiver, Key.Sign(Claims()))).IsProblem(404, "unknown-resource");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/b"))).Is(202);
    }

    [Fact]
    public async Task A_change_that_is_broken_otherwise_neither_ends_nor_opens_a_resource()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer);
        var broken = TestReceiver.With(Guarded("a", Policy([Prefix("sub", "")])), resource => resource.Topics.Clear());
        receiver.Publish(broken);
        (await SendAsync(receiver, Key.Sign(Claims()))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(401, "unauthenticated");
        receiver.Publish(TestReceiver.With(broken, resource => resource.Ingress.EventPolicies.Clear()));
        (await SendAsync(receiver, Key.Sign(Claims()))).IsProblem(404, "unknown-resource");
    }

    [Fact]
    public async Task An_audience_holds_at_once_even_if_the_log_that_comes_with_it_cannot_be_opened()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TestReceiver.StartAsync(new ReceiverOptions { Issuer = issuer.Options }, TestReceiver.Broker("a"));
        receiver.Logs.Behind("broken", _ => throw new LogConfigurationException("no such Secret"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        receiver.Publish(TestReceiver.With(Guarded("a", Policy([Exact("sub", Sender)])), resource => resource.BootstrapServers = "broken"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(401, "unauthenticated");
        (await SendAsync(receiver, Key.Sign(Claims(("sub", "other"))))).IsProblem(403, "forbidden");
        (await SendAsync(receiver, Key.Sign(Claims()))).Is(202);
    }

    [Fact]
    public async Task A_removed_resource_does_not_stand_in_for_one_that_wants_tokens()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TestReceiver.StartAsync(new ReceiverOptions { Issuer = issuer.Options }, TestReceiver.Broker("a"));
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Logs.Behind(
            "late",
            async cancellation =>
            {
                await open.Task.WaitAsync(cancellation);
                return receiver.Log;
            }
        );
        Resource Again(bool guarded) =>
            TestReceiver.With(
                guarded ? Guarded("a", Policy([Prefix("sub", "")])) : TestReceiver.Broker("a"),
                resource =>
                {
                    resource.Uid = "again";
                    resource.BootstrapServers = "late";
                }
            );
        receiver.Publish(Again(guarded: false));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        receiver.Publish(Again(guarded: true));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(404, "unknown-resource");
        open.SetResult();
        await receiver.ServedAsync("/ns/a");
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task A_change_of_the_log_under_load_refuses_no_token()
    {
        await using var issuer = await TestIssuer.StartAsync(Key);
        await using var receiver = await TokenTests.StartAsync(issuer);
        receiver.Logs.Behind("elsewhere");
        var token = Key.Sign(Claims());
        using var stop = new CancellationTokenSource();
        var sent = 0;
        var senders = Enumerable.Range(0, 4).Select(_ => SendAllAsync()).ToArray();
        for (var i = 0; i < 30; i++)
        {
            var before = Volatile.Read(ref sent);
            var change = Guarded("a", Policy([Prefix("sub", "")]));
            change.BootstrapServers = i % 2 == 0 ? "elsewhere" : TestReceiver.Here;
            receiver.Publish(change);
            await Eventually.True(() => Volatile.Read(ref sent) > before + 5, "requests go on");
        }

        await stop.CancelAsync();
        await Task.WhenAll(senders);

        async Task SendAllAsync()
        {
            using var client = await RawClient.ConnectAsync(receiver.Port);
            while (!stop.IsCancellationRequested)
            {
                (await client.SendAsync(RawClient.Event("/ns/a", more: $"Authorization: Bearer {token}\r\n"))).Is(202);
                Interlocked.Increment(ref sent);
            }
        }
    }

    private static EventPolicy Policy(TokenMatcher[] matchers, params DialectedFilter[] filters) =>
        new() { TokenMatchers = { matchers }, Filters = { filters } };

    private static TokenMatcher Exact(string claim, string text) => new() { Exact = new Exact { Attributes = { [claim] = text } } };

    private static DialectedFilter Source(string source) => new() { Exact = new Exact { Attributes = { ["source"] = source } } };

    private static DialectedFilter Type(string prefix) => new() { Prefix = new Prefix { Attributes = { ["type"] = prefix } } };
}
