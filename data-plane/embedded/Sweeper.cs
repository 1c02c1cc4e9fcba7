using System.Threading.Channels;
using Brokkr.Core.Log;
using Brokkr.Embedded.Writing;
using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded;

/// <summary>
/// Applies retention and removes what deleted topics left, at intervals and when a topic is deleted. It writes in small chunks and waits for each, so
/// that appends go in between.
/// </summary>
internal sealed class Sweeper : IAsyncDisposable
{
    private readonly Writer _writer;
    private readonly TopicTable _topics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _due = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );
    private readonly ITimer _timer;
    private readonly Task _sweeping;
    private bool _giveAllBack;

    public Sweeper(Writer writer, TopicTable topics, TimeSpan interval, TimeProvider time, ILogger logger)
    {
        _writer = writer;
        _topics = topics;
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(_ => Request(), null, interval, interval);
        _sweeping = Task.Run(RunAsync);
        // What an earlier process did not get done.
        Request();
    }

    /// <summary>Asks for a sweep soon.</summary>
    public void Request() => _due.Writer.TryWrite(true);

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _stop.CancelAsync();
        await _sweeping;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var _ in _due.Reader.ReadAllAsync(_stop.Token))
            {
                try
                {
                    await SweepAsync();
                }
                catch (LogUnavailableException e)
                {
                    _logger.SweepFailed(e);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closing.
        }
    }

    private async Task SweepAsync()
    {
        while (await _writer.WriteAsync(new DropOrphans(), _stop.Token))
        {
            _giveAllBack = true;
        }

        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var topic in _topics.All)
        {
            if (topic.Settings is { RetentionMilliseconds: < 0, RetentionBytes: < 0 })
            {
                continue;
            }

            foreach (var partition in topic.Partitions)
            {
                await TrimAsync(partition, now);
            }
        }

        while (await _writer.WriteAsync(new GiveSpaceBack(keepSome: !_giveAllBack), _stop.Token)) { }
        _giveAllBack = false;
    }

    private async Task TrimAsync(PartitionState partition, long now)
    {
        var dropped = 0L;
        var more = partition.Start < partition.End;
        while (more)
        {
            (var chunk, more) = await _writer.WriteAsync(new TrimPartition(partition, now), _stop.Token);
            dropped += chunk;
        }

        if (dropped > 0)
        {
            _logger.Trimmed(dropped, partition.Name.ToString());
        }
    }
}
