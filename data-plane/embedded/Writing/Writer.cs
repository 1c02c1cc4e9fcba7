using Brokkr.Core.Log;
using Brokkr.Embedded.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Brokkr.Embedded.Writing;

/// <summary>
/// The one thread that writes. It takes everything that waits, writes it in one transaction, and answers when that is on the disk; meanwhile the next
/// transaction's operations gather. One flush serves them all, however many there are.
/// <code>
/// append --> queue --> [ begin | apply, apply, ... | commit = flush ] --> readers wake, callers are answered --> fold the write-ahead log
/// </code>
/// A transaction that fails fails its operations, never the thread: the next one tries again, on a new connection.
/// </summary>
internal sealed class Writer : IAsyncDisposable
{
    /// <summary>
    /// Pages (of 4 KiB) of the write-ahead log from which it is folded into the file. Appends wait meanwhile: with 4000 the throughput is the same
    /// and the slowest percent of 512 appends at once takes 75 ms instead of 20; with 250 the throughput falls by a quarter.
    /// </summary>
    private const int FoldPages = 1000;

    /// <summary>Pages from which readers in the way are waited for, so that the write-ahead log does not grow without end.</summary>
    private const int MustFoldPages = 16 * FoldPages;

    private readonly EmbeddedLogOptions _options;
    private readonly string _path;
    private readonly TopicTable _topics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _deadlines;
    private WriteSession? _session;
    private int _pagesToFold;
    private volatile bool _healthy = true;

    public Writer(string path, TopicTable topics, EmbeddedLogOptions options, TimeProvider time, ILogger logger)
    {
        _path = path;
        _topics = topics;
        _options = options;
        _time = time;
        _logger = logger;
        Queue = new WriteQueue(options.QueueRecords, options.QueueBytes);
        var period = options.Deadline / 10;
        _deadlines = time.CreateTimer(_ => Queue.Expire(_time.GetTimestamp()), null, period, period);
        new Thread(Run) { IsBackground = true, Name = "brokkr-embedded-writer" }.Start();
    }

    public WriteQueue Queue { get; }

    public TopicTable Topics => _topics;

    /// <summary>Completes when the file is open and the topics are known; fails if it cannot be opened.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Whether the last transaction was committed.</summary>
    public bool Healthy => _healthy;

    /// <summary>Writes and waits until it is on the disk.</summary>
    /// <exception cref="LogUnavailableException">It could not be written, or not in time.</exception>
    public async Task<T> WriteAsync<T>(PendingWork<T> work, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!Queue.TryAdd(work))
        {
            throw new LogUnavailableException("the embedded log is closed, or too much waits for the disk");
        }

        try
        {
            return await work.Answered.WaitAsync(_options.Deadline, _time, cancellation);
        }
        catch (TimeoutException e)
        {
            throw new LogUnavailableException(
                $"the disk did not confirm within {_options.Deadline.TotalSeconds} s; it may have been stored",
                e
            );
        }
    }

    /// <summary>Writes what waits, folds the write-ahead log and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        Queue.Close();
        await _ended.Task;
        await _deadlines.DisposeAsync();
        Queue.Dispose();
    }

    private void Run()
    {
        try
        {
            _session = WriteSession.Open(_path, create: true, _topics, _options, _time);
            TopicLoader.Load(_session, _options);
            _session.LoadBounds();
        }
        catch (Exception e)
        {
            _session?.Dispose();
            _opened.SetException(e is SqliteException ? new LogConfigurationException($"{_path} cannot be opened: {e.Message}", e) : e);
            _ended.SetResult();
            return;
        }

        _opened.SetResult();
        var batch = new List<WriteOperation>();
        while (Queue.Take(batch))
        {
            Write(batch);
            Queue.Done(batch);
            Fold();
        }

        Close();
        _ended.SetResult();
    }

    private void Write(List<WriteOperation> batch)
    {
        try
        {
            if (_session is null)
            {
                _session = WriteSession.Open(_path, create: false, _topics, _options, _time);
                _session.LoadBounds();
            }

            _session.Begin();
            foreach (var operation in batch)
            {
                if (!operation.Abandoned)
                {
                    operation.Apply(_session);
                }
            }

            _session.Commit();
        }
        catch (Exception e)
        {
            Fail(batch, e);
            return;
        }

        _session.Publish();
        foreach (var operation in batch)
        {
            Answer(operation);
        }

        if (!_healthy)
        {
            _healthy = true;
            _logger.WriteRecovered(_path);
        }
    }

    private void Answer(WriteOperation operation)
    {
        try
        {
            operation.Committed();
        }
        catch (Exception e)
        {
            // A bug; the others are answered all the same, and the thread lives.
            _logger.AnswerFailed(e);
        }
    }

    private void Fail(List<WriteOperation> batch, Exception error)
    {
        if (_healthy)
        {
            _healthy = false;
            _logger.WriteFailed(_path, error);
        }

        try
        {
            _session?.Rollback();
            _session?.LoadBounds();
        }
        catch (Exception)
        {
            // The error that led here has been logged. The next transaction begins on a new connection and takes the bounds from the file.
            DropSession();
        }

        if (error is SqliteException { SqliteErrorCode: not (SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_FULL) })
        {
            DropSession();
        }

        foreach (var operation in batch)
        {
            operation.Failed($"the embedded log cannot write: {error.Message}", error);
        }
    }

    private void DropSession()
    {
        _session?.Dispose();
        _session = null;
    }

    /// <summary>Folds the write-ahead log into the file when it has grown. Everybody has been answered; who appends now waits for it.</summary>
    private void Fold()
    {
        if (_session is null)
        {
            return;
        }

        _pagesToFold += _session.Database.TakePagesWritten();
        if (_pagesToFold < FoldPages && !_session.FoldSoon)
        {
            return;
        }

        try
        {
            var (logged, folded) = _session.Database.Checkpoint(waitForReaders: _session.FoldSoon || _pagesToFold >= MustFoldPages);
            _session.FoldSoon = false;
            _pagesToFold = logged - folded;
        }
        catch (SqliteException e)
        {
            _logger.CheckpointFailed(_path, e);
        }
    }

    private void Close()
    {
        try
        {
            _session?.Database.Checkpoint(waitForReaders: true);
        }
        catch (SqliteException e)
        {
            // Nothing is lost: the write-ahead log is folded when the file is opened again.
            _logger.CheckpointFailed(_path, e);
        }

        DropSession();
    }
}
