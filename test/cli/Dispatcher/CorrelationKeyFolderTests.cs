using Brokkr.Cli.Dispatcher;
using Brokkr.Cli.Hosting;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Cli.Tests.Dispatcher;

/// <summary>The keys of RequestReplies come from mounted Secrets.</summary>
public sealed class CorrelationKeyFolderTests
{
    [Fact]
    public void Keys_are_read_again_after_ten_seconds()
    {
        using var folder = new TemporaryFolder();
        using var log = new RememberedLog();
        var time = new FakeTimeProvider();
        var keys = new CorrelationKeyFolder(new SecretFolder(folder.Path), "eventing", time, log);
        folder.Write("eventing/keys/ns.ask.key-0", "one");
        folder.Write("eventing/keys/..data/ns.ask.key-9", "a version of the volume");
        Assert.Equal(["ns.ask.key-0"], keys.Of("keys")!.Keys);
        Assert.Equal("one"u8.ToArray(), keys.Of("keys")!["ns.ask.key-0"]);

        folder.Write("eventing/keys/ns.ask.key-1", "two");
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Single(keys.Of("keys")!);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["ns.ask.key-0", "ns.ask.key-1"], keys.Of("keys")!.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(log.Lines);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("..")]
    [InlineData("../other/keys")]
    [InlineData("")]
    public void What_is_not_there_is_said_once(string name)
    {
        using var folder = new TemporaryFolder();
        using var log = new RememberedLog();
        var time = new FakeTimeProvider();
        folder.Write("other/keys/ns.ask.key-0", "one");
        Directory.CreateDirectory(folder["eventing"]);
        var keys = new CorrelationKeyFolder(new SecretFolder(folder.Path), "eventing", time, log);
        Assert.Null(keys.Of(name));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(keys.Of(name));
        Assert.Contains($"eventing/{name}", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void There_may_be_no_folder_at_all()
    {
        using var log = new RememberedLog();
        Assert.Null(new CorrelationKeyFolder(new SecretFolder(null), "eventing", TimeProvider.System, log).Of("keys"));
    }
}
