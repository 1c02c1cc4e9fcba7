using Brokkr.Core.Contract.Wire;
using Brokkr.Testing;
using Microsoft.Extensions.Logging;
using static Brokkr.Receiver.Tests.Authentication.TestIssuer;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>Where a sender may put its token, and where the receiver never puts it.</summary>
public sealed class WebhookTests
{
    /// <summary>CEW-07, CEW-08: a Knative ingress knows the header only, so that no token stands in an address.</summary>
    [Fact]
    public async Task A_token_counts_in_the_header_only_and_stands_in_no_log()
    {
        var key = new TestKey("k-1");
        var lines = new RememberedLog();
        using var loggers = new LoggerFactory([lines], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        await using var issuer = await TestIssuer.StartAsync(key);
        await using var receiver = await TestReceiver.OpenAsync(new ReceiverOptions { Issuer = issuer.Options }, loggers: loggers);
        receiver.Publish(TokenTests.Guarded("a", new EventPolicy { TokenMatchers = { TokenTests.Prefix("sub", "") } }));
        await receiver.ReadyAsync();
        var good = key.Sign(Claims());
        var stranger = new TestKey("k-1").Sign(Claims());
        (await TokenTests.SendAsync(receiver, good)).Is(202);
        (await TokenTests.SendAsync(receiver, stranger)).IsProblem(401, "unauthenticated");
        var inQuery = await RawClient.OnceAsync(receiver.Port, RawClient.Event($"/ns/a?access_token={good}"));
        inQuery.IsProblem(401, "unauthenticated");
        await receiver.RecordAsync("t-a");
        Assert.NotEmpty(lines.Lines);
        foreach (var signature in new[] { good, stranger }.Select(token => token.Split('.')[2]))
        {
            Assert.Empty(lines.With(signature));
            Assert.DoesNotContain(signature, inQuery.Body, StringComparison.Ordinal);
        }
    }
}
