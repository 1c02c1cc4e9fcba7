using Brokkr.Core.Log;
using Brokkr.Kafka.Clients;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Tests;

/// <summary>What the port's suite cannot make happen: fatal producer errors, and the mapping of every error that matters.</summary>
public sealed class WriterTests
{
    [Theory]
    [InlineData(ErrorCodes.None, AppendOutcome.Stored)]
    [InlineData(ErrorCodes.MessageSizeTooLarge, AppendOutcome.TooLarge)]
    [InlineData(ErrorCodes.RecordListTooLarge, AppendOutcome.TooLarge)]
    [InlineData(ErrorCodes.TopicAuthorizationFailed, AppendOutcome.Unauthorized)]
    [InlineData(ErrorCodes.Authentication, AppendOutcome.Unauthorized)]
    [InlineData(ErrorCodes.UnknownTopicLocal, AppendOutcome.UnknownTopic)]
    [InlineData(ErrorCodes.UnknownTopicOrPartition, AppendOutcome.UnknownTopic)]
    [InlineData(ErrorCodes.InvalidTopic, AppendOutcome.Fatal)]
    [InlineData(ErrorCodes.QueueFull, AppendOutcome.RetryLater)]
    [InlineData(ErrorCodes.MessageTimedOut, AppendOutcome.RetryLater)]
    [InlineData(ErrorCodes.Fatal, AppendOutcome.RetryLater)]
    [InlineData(19, AppendOutcome.RetryLater)]
    public void An_error_becomes_an_outcome(int code, AppendOutcome outcome) => Assert.Equal(outcome, KafkaWriter.OutcomeOf(code));

    [Fact]
    public async Task A_producer_that_met_a_fatal_error_is_replaced()
    {
        await using var cluster = new MockCluster();
        cluster.CreateTopic("fatal", 1);
        await using var log = KafkaLogs.Open(cluster.BootstrapServers);
        Assert.Equal(AppendOutcome.Stored, (await Append(log)).Outcome);
        ((KafkaWriter)log.Writer).FailForTest();
        Assert.Equal(AppendOutcome.RetryLater, (await Append(log)).Outcome);
        Assert.Equal(AppendOutcome.Stored, (await Append(log)).Outcome);
    }

    [Fact]
    public async Task A_full_queue_is_an_outcome_and_its_records_are_answered()
    {
        await using var cluster = new MockCluster();
        cluster.CreateTopic("full", 1);
        await using var log = new KafkaLog(
            cluster.BootstrapServers,
            new Dictionary<string, string>(),
            new KafkaOptions
            {
                ProducerProperties = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["buffer.memory"] = "1048576",
                    ["delivery.timeout.ms"] = "3000",
                },
            },
            Microsoft.Extensions.Logging.Abstractions.NullLogger<KafkaLog>.Instance
        );
        cluster.Down();
        var appends = new List<Task<AppendResult>>();
        for (var i = 0; i < 200; i++)
        {
            using var record = RecordBuffer.Rent();
            record.AppendValue(new byte[10_000]);
            appends.Add(log.Writer.AppendAsync("full", record).AsTask());
        }

        var atOnce = appends.Where(append => append.IsCompletedSuccessfully).ToArray();
        Assert.NotEmpty(atOnce);
        Assert.All(await Task.WhenAll(atOnce), result => Assert.Equal(AppendOutcome.RetryLater, result.Outcome));
        Assert.All(await Task.WhenAll(appends), result => Assert.Equal(AppendOutcome.RetryLater, result.Outcome));
    }

    private static async Task<AppendResult> Append(KafkaLog log)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue("x"u8);
        return await log.Writer.AppendAsync("fatal", record);
    }
}
