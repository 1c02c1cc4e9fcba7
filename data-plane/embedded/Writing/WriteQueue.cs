namespace Brokkr.Embedded.Writing;

/// <summary>
/// What waits for the writer thread: bounded in number and bytes, in order. Hot path: one short lock per operation, and the thread is only woken
/// when it sleeps.
/// </summary>
internal sealed class WriteQueue(int maxAppends, long maxBytes) : IDisposable
{
    /// <summary>Cursors, topics, retention: each of them has a caller that waits, so that there are never many.</summary>
    private const int MaxOthers = 16_384;

    /// <summary>Bounds of a transaction: large enough to spread the cost of a flush, small enough to keep the file's page cache small.</summary>
    private const int BatchOperations = 4096;
    private const long BatchBytes = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<WriteOperation> _waiting = new();
    private readonly SemaphoreSlim _wake = new(0);
    private List<WriteOperation>? _taken;
    private long _bytes;
    private int _appends;
    private int _others;
    private bool _sleeping;
    private bool _closed;

    /// <summary>False if the queue is full or closed; the operation is then not kept.</summary>
    public bool TryAdd(WriteOperation operation)
    {
        var wake = false;
        lock (_gate)
        {
            if (_closed || (operation.IsAppend ? AppendsAreFull(operation.Bytes) : _others >= MaxOthers))
            {
                return false;
            }

            _waiting.Enqueue(operation);
            if (operation.IsAppend)
            {
                _appends++;
                _bytes += operation.Bytes;
            }
            else
            {
                _others++;
            }

            if (_sleeping)
            {
                _sleeping = false;
                wake = true;
            }
        }

        if (wake)
        {
            _wake.Release();
        }

        return true;
    }

    /// <summary>Fills the empty list with the next transaction's operations, waiting for the first. False once closed and empty.</summary>
    public bool Take(List<WriteOperation> batch)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_waiting.Count > 0)
                {
                    Move(batch);
                    _taken = batch;
                    return true;
                }

                if (_closed)
                {
                    return false;
                }

                _sleeping = true;
            }

            _wake.Wait();
        }
    }

    /// <summary>The operations that were taken are answered: releases and removes them.</summary>
    public void Done(List<WriteOperation> batch)
    {
        lock (_gate)
        {
            _taken = null;
        }

        foreach (var operation in batch)
        {
            operation.Released();
        }

        batch.Clear();
    }

    /// <summary>Lets every operation that waits or is being written look at its deadline.</summary>
    public void Expire(long now)
    {
        lock (_gate)
        {
            foreach (var operation in _waiting)
            {
                operation.Expire(now);
            }

            foreach (var operation in _taken ?? [])
            {
                operation.Expire(now);
            }
        }
    }

    /// <summary>Nothing more is let in; what is in is still taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _sleeping = false;
        }

        _wake.Release();
    }

    public void Dispose() => _wake.Dispose();

    private bool AppendsAreFull(int bytes) => _appends >= maxAppends || (_appends > 0 && _bytes + bytes > maxBytes);

    private void Move(List<WriteOperation> batch)
    {
        long bytes = 0;
        while (batch.Count < BatchOperations && bytes < BatchBytes && _waiting.TryDequeue(out var operation))
        {
            if (operation.IsAppend)
            {
                _appends--;
                _bytes -= operation.Bytes;
                bytes += operation.Bytes;
            }
            else
            {
                _others--;
            }

            batch.Add(operation);
        }
    }
}
