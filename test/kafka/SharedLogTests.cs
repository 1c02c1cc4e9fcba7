using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tests.Security;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Kafka.Tests;

/// <summary>OIN-13: who shares the clients of a Kafka, and for how long there are some.</summary>
public sealed class SharedLogTests
{
    [Fact]
    public async Task Resources_with_the_same_servers_share_a_log_until_the_last_one_goes()
    {
        await using var cluster = new MockCluster();
        await using var other = new MockCluster();
        cluster.CreateTopic("shared", 1);
        using var logs = new KafkaLogProvider(new KafkaOptions(), new TestSecrets(), NullLoggerFactory.Instance);
        var first = await AcquireAsync($"{cluster.BootstrapServers},127.0.0.1:1");
        await using var second = await AcquireAsync($"127.0.0.1:1, {cluster.BootstrapServers}");
        await using var third = await AcquireAsync(other.BootstrapServers);
        var log = first.Log;
        Assert.Same(log, second.Log);
        Assert.NotSame(log, third.Log);

        await first.DisposeAsync();
        Assert.Equal(AppendOutcome.Stored, (await AppendAsync(log)).Outcome);
        await second.DisposeAsync();
        Assert.Equal(AppendResult.Failed(AppendOutcome.RetryLater, "the producer is closed"), await AppendAsync(log));

        await using var again = await AcquireAsync(cluster.BootstrapServers);
        Assert.NotSame(log, again.Log);
        Assert.Equal(AppendOutcome.Stored, (await AppendAsync(again.Log)).Outcome);

        ValueTask<LogLease> AcquireAsync(string servers) =>
            logs.AcquireAsync(new Resource { BootstrapServers = servers }, TestContext.Current.CancellationToken);
    }

    private static async Task<AppendResult> AppendAsync(ILog log)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue("x"u8);
        return await log.Writer.AppendAsync("shared", record);
    }
}
