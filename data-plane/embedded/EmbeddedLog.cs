using Brokkr.Core.Log;
using Brokkr.Embedded.Reading;
using Brokkr.Embedded.Storage;
using Brokkr.Embedded.Writing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Embedded;

/// <summary>
/// The log in one SQLite file, for one machine. A record is acknowledged when the file system has confirmed that it is on the disk, so that neither
/// <c>kill -9</c> nor a power cut loses it. Appends that arrive together share one flush. Retention deletes by the age and size that the topic
/// settings name (<see cref="EmbeddedLogOptions"/>); deleting a topic gives its space back to the file system in the background.
/// </summary>
public sealed class EmbeddedLog : ILog, ILogWriter, ILogReaders
{
    private const string FileName = "brokkr.db";

    private readonly EmbeddedLogOptions _options;
    private readonly FolderLock _folder;
    private readonly TopicTable _topics;
    private readonly Writer _writer;
    private readonly ReadConnections _connections;
    private readonly Sweeper _sweeper;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PendingAppend.Pool _appends = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly long _deadlineTicks;
    private int _disposed;

    private EmbeddedLog(
        EmbeddedLogOptions options,
        FolderLock folder,
        TopicTable topics,
        Writer writer,
        string path,
        TimeProvider time,
        ILogger logger
    )
    {
        _options = options;
        _folder = folder;
        _topics = topics;
        _writer = writer;
        _time = time;
        _logger = logger;
        _deadlineTicks = (long)(options.Deadline.TotalSeconds * time.TimestampFrequency);
        _connections = new ReadConnections(path, options);
        _sweeper = new Sweeper(writer, topics, options.SweepInterval, time, logger);
        Cursors = new EmbeddedCursors(topics, writer, _connections);
        Topics = new EmbeddedTopics(topics, writer, _sweeper, options, logger);
    }

    /// <inheritdoc/>
    public ILogWriter Writer => this;

    /// <inheritdoc/>
    public ILogReaders Readers => this;

    /// <summary>The thread that writes, for tests that make the disk fail or stall.</summary>
    internal Writer WriterThread => _writer;

    /// <inheritdoc/>
    public ICursorStore Cursors { get; }

    /// <inheritdoc/>
    public ITopics Topics { get; }

    /// <summary>Opens the log in a folder, making both if they are missing. The folder belongs to this process until the log is disposed.</summary>
    /// <param name="options">Where it is, and its bounds.</param>
    /// <param name="time">Time stamps, retention and deadlines.</param>
    /// <param name="loggers">Where it reports what people should know.</param>
    /// <param name="cancellation">Not looked at once the file is being opened.</param>
    /// <exception cref="LogConfigurationException">
    /// An option is out of range, another process has the folder, the folder cannot be written to, or the file is damaged, foreign or of a later version.
    /// </exception>
    public static async Task<EmbeddedLog> OpenAsync(
        EmbeddedLogOptions options,
        TimeProvider? time = null,
        ILoggerFactory? loggers = null,
        CancellationToken cancellation = default
    )
    {
        cancellation.ThrowIfCancellationRequested();
        options.Validate();
        time ??= TimeProvider.System;
        ILogger logger = loggers?.CreateLogger<EmbeddedLog>() ?? NullLogger<EmbeddedLog>.Instance;
        var folder = FolderLock.Take(Path.GetFullPath(options.Folder));
        var path = Path.Combine(Path.GetFullPath(options.Folder), FileName);
        var topics = new TopicTable();
        var writer = new Writer(path, topics, options, time, logger);
        try
        {
            await writer.Opened;
        }
        catch
        {
            await writer.DisposeAsync();
            folder.Dispose();
            throw;
        }

        logger.Opened(path, topics.All.Count(), topics.All.Sum(topic => topic.Partitions.Length));
        return new EmbeddedLog(options, folder, topics, writer, path, time, logger);
    }

    /// <inheritdoc/>
    public ValueTask<AppendResult> AppendAsync(string topic, RecordBuffer record)
    {
        if (!_topics.TryGet(topic, out var state))
        {
            return new(
                TopicNames.Problem(topic) is { } problem
                    ? AppendResult.Failed(AppendOutcome.Fatal, problem)
                    : AppendResult.Failed(AppendOutcome.UnknownTopic, $"there is no topic {topic}")
            );
        }

        if (record.SizeInBytes > state.Settings.MaxRecordBytes)
        {
            return new(
                AppendResult.Failed(
                    AppendOutcome.TooLarge,
                    $"the record has {record.SizeInBytes} bytes; topic {topic} takes {state.Settings.MaxRecordBytes}"
                )
            );
        }

        var append = _appends.Rent(state, record, _time.GetTimestamp() + _deadlineTicks);
        var answered = append.Answered;
        if (_writer.Queue.TryAdd(append))
        {
            return answered;
        }

        append.Discard();
        return new(AppendResult.Failed(AppendOutcome.RetryLater, "the embedded log is closed, or too many records wait for the disk"));
    }

    /// <inheritdoc/>
    /// <exception cref="PartitionGoneException">There is no such partition.</exception>
    public ValueTask<ILogReader> OpenAsync(TopicPartition partition, long offset, ReadPurpose purpose, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        cancellation.ThrowIfCancellationRequested();
        if (!_topics.TryGet(partition.Topic, out var topic) || (uint)partition.Partition >= (uint)topic.Partitions.Length)
        {
            return ValueTask.FromException<ILogReader>(new PartitionGoneException($"there is no partition {partition}"));
        }

        var state = topic.Partitions[partition.Partition];
        return new(new EmbeddedReader(state, Math.Min(offset, state.End), _connections, _time, _logger, _closed.Token));
    }

    /// <inheritdoc/>
    /// <remarks>Everybody who joins has all partitions: there is one process, and within it they are not divided.</remarks>
    public IOwnership Join(IOwnershipListener listener, string consumerGroup = "") =>
        new EmbeddedOwnership(listener, _topics, _options.HandOverBudget, _time, _logger);

    /// <inheritdoc/>
    public async ValueTask<bool> IsReachableAsync(CancellationToken cancellation)
    {
        if (_closed.IsCancellationRequested || cancellation.IsCancellationRequested)
        {
            return false;
        }

        if (_writer.Healthy)
        {
            return true;
        }

        try
        {
            // Without it a log that nobody appends to, because it is not ready, would never become ready again.
            return await _writer.WriteAsync(new Probe(), cancellation);
        }
        catch (Exception e) when (e is LogUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Writes what has been handed over, closes the file and gives the folder free. Readers that wait get <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _closed.CancelAsync();
        foreach (var topic in _topics.All)
        {
            foreach (var partition in topic.Partitions)
            {
                partition.Wake();
            }
        }

        await _sweeper.DisposeAsync();
        _connections.Dispose();
        await _writer.DisposeAsync();
        _folder.Dispose();
    }
}
