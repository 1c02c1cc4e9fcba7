using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Testing;

/// <summary>
/// What everything above the log port relies on, whichever log is below. Derive a class with a fixture:
/// <c>public sealed class XTests(XFixture fixture) : LogConformance(fixture), IClassFixture&lt;XFixture&gt;;</c>
/// </summary>
public abstract partial class LogConformance(LogConformanceFixture fixture) : IAsyncLifetime
{
    private readonly CancellationTokenSource _deadline = new();
    private readonly List<ILog> _opened = [];

    /// <summary>The instance of the log that the test uses.</summary>
    protected ILog Log { get; private set; } = null!;

    /// <summary>Cancelled when the test has waited too long.</summary>
    protected CancellationToken Deadline => _deadline.Token;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _deadline.CancelAfter(fixture.Patience * 4);
        Log = await OpenAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await fixture.MakeAvailableAsync();
        foreach (var log in _opened)
        {
            await log.DisposeAsync();
        }

        _deadline.Dispose();
        GC.SuppressFinalize(this);
    }

    private async ValueTask<ILog> OpenAsync()
    {
        var log = await fixture.OpenAsync();
        _opened.Add(log);
        return log;
    }

    private async ValueTask ReopenAsync()
    {
        await Log.DisposeAsync();
        _opened.Remove(Log);
        Log = await OpenAsync();
    }

    private void Needs(params ReadOnlySpan<LogCapability> capabilities)
    {
        foreach (var capability in capabilities)
        {
            if (fixture.Missing(capability) is { } reason)
            {
                Assert.Skip(reason);
            }
        }
    }

    private static string Unique(string what) => $"{what}-{Guid.NewGuid():N}";

    private async ValueTask<string> NewTopicAsync(int partitions = 1)
    {
        var topic = Unique("conformance");
        await fixture.CreateTopicAsync(Log, topic, partitions);
        return topic;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(StoredRecord record) => Encoding.UTF8.GetString(record.Value.Span);

    private async ValueTask<AppendResult> Append(string topic, string value, string? key = null)
    {
        using var record = RecordBuffer.Rent();
        record.AppendValue(Bytes(value));
        if (key is not null)
        {
            record.SetKey(Bytes(key));
        }

        return await Log.Writer.AppendAsync(topic, record);
    }

    private async Task<AppendResult> AppendStored(string topic, string value, string? key = null)
    {
        var result = await Append(topic, value, key);
        Assert.True(result.Outcome == AppendOutcome.Stored, $"{result.Outcome}: {result.Error}");
        Assert.Null(result.Error);
        return result;
    }

    /// <summary>Appends values 0, 1, 2, ... to a topic with one partition; all are under way at once.</summary>
    private async Task AppendNumbers(string topic, int from, int count)
    {
        var appends = new List<Task<AppendResult>>(count);
        for (var i = 0; i < count; i++)
        {
            appends.Add(Append(topic, $"{from + i}").AsTask());
        }

        foreach (var result in await Task.WhenAll(appends))
        {
            Assert.True(result.Outcome == AppendOutcome.Stored, $"{result.Outcome}: {result.Error}");
        }
    }

    private async Task<List<StoredRecord>> ReadAsync(
        TopicPartition partition,
        long offset,
        int count,
        ReadPurpose purpose = ReadPurpose.CatchUp
    )
    {
        await using var reader = await Log.Readers.OpenAsync(partition, offset, purpose, Deadline);
        return await ReadAsync(reader, count);
    }

    /// <summary>Reads until that many records are there; they may be more.</summary>
    private async Task<List<StoredRecord>> ReadAsync(ILogReader reader, int count)
    {
        var all = new List<StoredRecord>();
        var batch = new List<StoredRecord>();
        while (all.Count < count)
        {
            var next = await reader.ReadAsync(batch, 256 * 1024, Deadline);
            foreach (var record in batch)
            {
                Assert.True(all.Count == 0 || record.Offset > all[^1].Offset, "offsets grow");
                all.Add(record);
            }

            Assert.True(all.Count == 0 || next > all[^1].Offset, "the next offset lies behind the last record");
        }

        return all;
    }

    private async Task Eventually(Func<Task<bool>> condition, string what)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        patience.CancelAfter(fixture.Patience);
        while (!await condition())
        {
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"did not happen within {fixture.Patience}: {what}");
            }
        }
    }

    private Task Eventually(Func<bool> condition, string what) => Eventually(() => Task.FromResult(condition()), what);
}
