using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Embedded.Tests;

/// <summary>Short forms of what most tests do with a log.</summary>
internal static class LogActions
{
    public static async Task CreateAsync(this ILog log, string topic, int partitions = 1, params (string Name, string Value)[] settings) =>
        Assert.True(
            await log.Topics.CreateAsync(
                new TopicSpecification(topic, partitions, 1, settings.ToDictionary(setting => setting.Name, setting => setting.Value)),
                default
            )
        );

    public static async Task<AppendResult> AppendAsync(this ILog log, string topic, string value, string? key = null)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue(Encoding.UTF8.GetBytes(value));
        if (key is not null)
        {
            record.SetKey(Encoding.UTF8.GetBytes(key));
        }

        return await log.Writer.AppendAsync(topic, record);
    }

    public static async Task<AppendResult> AppendStoredAsync(this ILog log, string topic, string value, string? key = null)
    {
        var result = await log.AppendAsync(topic, value, key);
        Assert.True(result.Outcome == AppendOutcome.Stored, $"{result.Outcome}: {result.Error}");
        return result;
    }

    public static async Task<PartitionBounds> BoundsAsync(this ILog log, string topic, int partition = 0) =>
        (await log.Topics.BoundsAsync(topic, [partition], default))[partition];

    /// <summary>The values from an offset to the end that the partition has now.</summary>
    public static async Task<List<string>> ReadToEndAsync(this ILog log, string topic, int partition = 0, long offset = 0)
    {
        var values = new List<string>();
        var (start, end) = await log.BoundsAsync(topic, partition);
        await using var reader = await log.Readers.OpenAsync(new TopicPartition(topic, partition), offset, ReadPurpose.CatchUp, default);
        var batch = new List<StoredRecord>();
        for (var next = Math.Max(start, offset); next < end; )
        {
            next = await reader.ReadAsync(batch, 100_000, default);
            values.AddRange(batch.Select(record => Encoding.UTF8.GetString(record.Value.Span)));
        }

        return values;
    }
}
