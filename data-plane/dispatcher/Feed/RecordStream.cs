using System.Diagnostics.CodeAnalysis;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Cursors;

namespace Brokkr.Dispatcher.Feed;

/// <summary>
/// One reader of a partition with its window and the cursors that are served from it. It reads on as long as one of them is near its head: the fastest
/// sets the pace, and nothing is read that nobody wants.
/// </summary>
/// <remarks>
/// Whoever is slower falls out of the window; nobody waits for it. There is one exception, bounded on both sides: while a stream works off the backlog
/// that was there when it began, it waits for cursors that are on the move, since otherwise those that only filter would run away from those that
/// deliver, and the whole backlog would be read twice. A cursor that takes fewer than <see cref="LeastPace"/> records in <see cref="PaceInterval"/> is
/// not waited for.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
internal sealed class RecordStream
{
    private const int ReadBytes = 128 * 1024;

    /// <summary>
    /// How far the window is filled ahead of the fastest cursor, in bytes. Enough to hide the way to the log, and no more: records that die young cost
    /// the garbage collector nothing.
    /// </summary>
    private const int ReadAhead = 256 * 1024;

    /// <summary>How much more memory records take here, decoded, than as they are read; see <see cref="FeedRecord.Size"/>.</summary>
    private const int DecodedFactor = 3;

    private const int LeastPace = 100;
    private static readonly TimeSpan PaceInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);

    private readonly PartitionFeed _feed;
    private readonly CancellationTokenSource _end = new();
    private readonly List<StoredRecord> _read = [];
    private readonly List<FeedRecord> _decoded = [];
    private readonly Lock _lock = new();
    private Cursor[] _cursors = [];
    private TaskCompletionSource? _parked;
    private bool _closed;
    private long _backlogEnd;

    public RecordStream(PartitionFeed feed, long start, ReadPurpose purpose)
    {
        _feed = feed;
        Purpose = purpose;
        Window = new RecordWindow(start);
    }

    public ReadPurpose Purpose { get; }

    public RecordWindow Window { get; }

    /// <summary>Whether it holds a reader now, rather than waiting for its turn.</summary>
    public bool HasReader { get; private set; }

    /// <summary>When its reader was opened.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>When a cursor last took something.</summary>
    public long UsedAt { get; private set; }

    /// <summary>Ends when the reader has been closed.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>The cursors that are served from here.</summary>
    public ReadOnlySpan<Cursor> Cursors => Volatile.Read(ref _cursors);

    private long MaxBytes => Purpose == ReadPurpose.Feed ? _feed.Shared.Budget.WindowBytes : _feed.Shared.Options.CatchUpBytes;

    /// <summary>Bytes that are asked for at once.</summary>
    private int ReadSize => (int)Math.Min(ReadBytes, MaxBytes / 4);

    private int MaxRecords => Purpose == ReadPurpose.Feed ? _feed.Shared.Options.WindowRecords : _feed.Shared.Options.WindowRecords / 4;

    /// <summary>Starts reading.</summary>
    public void Start() => Completion = Task.Run(RunAsync);

    /// <summary>Serves a cursor from here, if its next record is in the window or yet to come.</summary>
    public bool TryAdd(Cursor cursor)
    {
        if (IsClosed || !Window.TryFind(cursor.Next, out var number, out var bytesBefore))
        {
            return false;
        }

        cursor.MoveTo(this, number, bytesBefore);
        lock (_lock)
        {
            Volatile.Write(ref _cursors, [.. _cursors, cursor]);
        }

        Unpark();
        return true;
    }

    /// <summary>Stops serving a cursor.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Remove(Cursor cursor)
    {
        lock (_lock)
        {
            Volatile.Write(ref _cursors, Array.FindAll(_cursors, c => c != cursor));
            return _cursors.Length == 0;
        }
    }

    /// <summary>A cursor has taken records: more may have to be read.</summary>
    public void Consumed(Cursor cursor)
    {
        UsedAt = _feed.Shared.Time.GetTimestamp();
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _parked) is not null && IsNearHead(cursor))
        {
            Unpark();
        }
    }

    /// <summary>Stops reading. The cursors find out when they look for their next record.</summary>
    public void Close()
    {
        if (!Interlocked.Exchange(ref _closed, true))
        {
            _ = _end.CancelAsync();
        }
    }

    private async Task RunAsync()
    {
        var delay = TimeSpan.FromMilliseconds(100);
        try
        {
            while (true)
            {
                try
                {
                    await ReadAllAsync();
                }
                catch (PartitionGoneException gone)
                {
                    _feed.Shared.Logger.PartitionGone(gone, _feed.Partition.Topic, _feed.Partition.Partition);
                }
                catch (Exception failure) when (!_end.IsCancellationRequested)
                {
                    _feed.Shared.Logger.ReadingFailed(failure, _feed.Partition.Topic, _feed.Partition.Partition);
                }

                await Task.Delay(delay, _feed.Shared.Time, _end.Token);
                delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, TimeSpan.FromSeconds(10).Ticks));
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // Closed.
        }
        finally
        {
            Close();
            _feed.Ended(this);
        }
    }

    private async Task ReadAllAsync()
    {
        var place = Purpose == ReadPurpose.CatchUp ? await _feed.Shared.CatchUpPlaces.EnterAsync(_end.Token) : null;
        try
        {
            OpenedAt = UsedAt = _feed.Shared.Time.GetTimestamp();
            HasReader = true;
            _backlogEnd = await FindEndAsync();
            await using var reader = await _feed.Shared.Log.Readers.OpenAsync(_feed.Partition, Window.Head, Purpose, _end.Token);
            while (true)
            {
                await WaitForDemandAsync();
                await WaitForSlowerAsync();
                var head = await reader.ReadAsync(_read, ReadSize, _end.Token);
                Add(head);
                foreach (var cursor in Volatile.Read(ref _cursors))
                {
                    cursor.Signal();
                }

                Trim();
            }
        }
        finally
        {
            HasReader = false;
            place?.Dispose();
        }
    }

    private void Add(long head)
    {
        _decoded.Clear();
        var now = _feed.Shared.Time.GetTimestamp();
        foreach (var record in _read)
        {
            // A reader that was opened again may begin before what is known already.
            if (record.Offset >= Window.Head)
            {
                _decoded.Add(Decode(record, now));
            }
        }

        _feed.Shared.Metrics.Read(_decoded.Count, Purpose);
        _read.Clear();
        var fastest = long.MinValue;
        foreach (var cursor in Volatile.Read(ref _cursors))
        {
            fastest = Math.Max(fastest, cursor.Number);
        }

        Window.Add(_decoded, head, MaxBytes, MaxRecords, fastest == long.MinValue ? long.MaxValue : fastest);
        _decoded.Clear();
    }

    /// <summary>A record that breaks the decoder is no event; it must not stop the partition.</summary>
    private FeedRecord Decode(StoredRecord record, long now)
    {
        try
        {
            var error = KafkaBinding.Decode(record, out var decoded);
            return new FeedRecord(record, decoded, _feed.Name, now, error.Message);
        }
        catch (Exception failure)
        {
            _feed.Shared.Logger.DecodingFailed(failure, _feed.Partition.Topic, _feed.Partition.Partition, record.Offset);
            return new FeedRecord(record, null, _feed.Name, now, "The record cannot be decoded: " + failure.Message);
        }
    }

    private void Trim()
    {
        var slowest = long.MaxValue;
        foreach (var cursor in Volatile.Read(ref _cursors))
        {
            slowest = Math.Min(slowest, cursor.Number);
        }

        // While some are catching up or starting, what all have had is kept a little longer, so that these can join here.
        Window.Trim(slowest, _feed.ExpectsToBeJoined ? MaxBytes / 8 : 0);
    }

    private bool IsNearHead(Cursor cursor) =>
        Window.BytesRead - cursor.BytesTaken < Math.Min(ReadAhead, MaxBytes / 2) && Window.End - cursor.Number < MaxRecords / 2;

    private bool HasDemand()
    {
        foreach (var cursor in Volatile.Read(ref _cursors))
        {
            if (IsNearHead(cursor))
            {
                return true;
            }
        }

        return false;
    }

    private async ValueTask WaitForDemandAsync()
    {
        while (!HasDemand())
        {
            var parked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _parked, parked);
            Interlocked.MemoryBarrier();
            if (HasDemand())
            {
                Unpark();
            }

            await parked.Task.WaitAsync(_end.Token);
        }
    }

    /// <summary>The end of the backlog that this stream begins with.</summary>
    private async Task<long> FindEndAsync()
    {
        if (Purpose == ReadPurpose.CatchUp)
        {
            return long.MaxValue;
        }

        try
        {
            var partition = _feed.Partition;
            return (await _feed.Shared.Log.Topics.BoundsAsync(partition.Topic, [partition.Partition], _end.Token))[partition.Partition].End;
        }
        catch (LogUnavailableException)
        {
            // Not worth waiting for: then nobody is waited for.
            return 0;
        }
    }

    private async ValueTask WaitForSlowerAsync()
    {
        Cursor? watched = null;
        long number = 0;
        long since = 0;
        while (Window.Head < _backlogEnd && Slowest() is { } slowest && WouldFallOut(slowest))
        {
            if (slowest != watched)
            {
                (watched, number, since) = (slowest, slowest.Number, _feed.Shared.Time.GetTimestamp());
            }
            else if (_feed.Shared.Time.GetElapsedTime(since) >= PaceInterval)
            {
                if (slowest.Number - number < LeastPace)
                {
                    return;
                }

                (number, since) = (slowest.Number, _feed.Shared.Time.GetTimestamp());
            }

            await Task.Delay(LookAgain, _feed.Shared.Time, _end.Token);
        }
    }

    private Cursor? Slowest()
    {
        Cursor? slowest = null;
        foreach (var cursor in Volatile.Read(ref _cursors))
        {
            if (slowest is null || cursor.Number < slowest.Number)
            {
                slowest = cursor;
            }
        }

        return slowest;
    }

    private bool WouldFallOut(Cursor cursor)
    {
        var records = Window.End - cursor.Number;
        return records > 0
            && (Window.BytesRead - cursor.BytesTaken + (DecodedFactor * ReadSize) > MaxBytes || records + (MaxRecords / 8) > MaxRecords);
    }

    private void Unpark() => Interlocked.Exchange(ref _parked, null)?.TrySetResult();
}
