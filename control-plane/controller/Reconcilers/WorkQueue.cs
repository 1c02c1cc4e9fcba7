using Brokkr.Apis;

namespace Brokkr.Controller.Reconcilers;

/// <summary>How work is taken from a queue.</summary>
internal sealed record WorkQueueOptions
{
    /// <summary>How many objects are worked on at the same time.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Time for one pass over an object.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Wait after a first failure; it doubles with each that follows.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait after a failure.</summary>
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Objects that are to be looked at. Each is in it at most once, and never looked at twice at the same time: one that is added while it is looked at is looked
/// at once more afterwards. One that fails comes again after a while that grows. It holds keys alone, so that it is bounded by the number of objects.
/// </summary>
internal sealed class WorkQueue : IDisposable
{
    private readonly WorkQueueOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<ObjectKey, Exception, TimeSpan> _onFailure;
    private readonly Lock _lock = new();
    private readonly Queue<ObjectKey> _ready = [];
    private readonly HashSet<ObjectKey> _queued = [];
    private readonly HashSet<ObjectKey> _working = [];
    private readonly HashSet<ObjectKey> _again = [];
    private readonly Dictionary<ObjectKey, int> _failures = [];

    // When a key is due, and the same by time. An entry of the heap whose time is not the one in the map is outdated.
    private readonly Dictionary<ObjectKey, DateTimeOffset> _later = [];
    private readonly PriorityQueue<ObjectKey, DateTimeOffset> _byTime = new();
    private readonly SemaphoreSlim _available = new(0);
    private readonly ITimer _timer;

    /// <summary>Creates an empty queue.</summary>
    /// <param name="options">How work is taken from it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onFailure">Is told of each failure, and when the object comes again.</param>
    public WorkQueue(WorkQueueOptions options, TimeProvider time, Action<ObjectKey, Exception, TimeSpan> onFailure)
    {
        _options = options;
        _time = time;
        _onFailure = onFailure;
        _timer = time.CreateTimer(_ => TakeDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many objects wait to be looked at now.</summary>
    public int Depth
    {
        get
        {
            lock (_lock)
            {
                return _ready.Count;
            }
        }
    }

    /// <summary>Whether there is nothing to look at now, and nothing is looked at.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _ready.Count == 0 && _working.Count == 0;
            }
        }
    }

    /// <summary>Has an object looked at as soon as possible.</summary>
    public void Add(ObjectKey key)
    {
        lock (_lock)
        {
            AddLocked(key);
        }
    }

    /// <summary>Has an object looked at after a while, unless it is looked at before.</summary>
    public void AddAfter(ObjectKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            AddAfterLocked(key, delay);
        }
    }

    /// <summary>Works until it is cancelled; then what is being worked on is cancelled and awaited.</summary>
    /// <param name="work">Looks at an object; returns when to do so again without being told, null for never.</param>
    /// <param name="stop">Ends the work.</param>
    public Task RunAsync(Func<ObjectKey, CancellationToken, Task<TimeSpan?>> work, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => Task.Run(() => WorkAsync(work, stop), CancellationToken.None)));

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        _available.Dispose();
    }

    private async Task WorkAsync(Func<ObjectKey, CancellationToken, Task<TimeSpan?>> work, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await _available.WaitAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (Take() is not { } key)
            {
                continue;
            }

            using var deadline = new CancellationTokenSource(_options.Deadline, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stop);
            TimeSpan? next = null;
            Exception? failure = null;
            try
            {
                next = await work(key, both.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException exception) when (deadline.IsCancellationRequested)
            {
                failure = new TimeoutException($"Not done within {_options.Deadline}.", exception);
            }
            catch (Exception exception)
            {
                // One object's trouble is its own.
                failure = exception;
            }

            Finish(key, next, failure);
        }
    }

    private ObjectKey? Take()
    {
        lock (_lock)
        {
            if (!_ready.TryDequeue(out var key))
            {
                return null;
            }

            _queued.Remove(key);
            _working.Add(key);
            _later.Remove(key);
            return key;
        }
    }

    private void Finish(ObjectKey key, TimeSpan? next, Exception? failure)
    {
        if (failure is not null)
        {
            int failures;
            lock (_lock)
            {
                failures = _failures.GetValueOrDefault(key);
                _failures[key] = failures + 1;
            }

            next = TimeSpan.FromTicks(Math.Min(_options.FirstBackoff.Ticks << Math.Min(failures, 20), _options.LongestBackoff.Ticks));
            _onFailure(key, failure, next.Value);
        }

        lock (_lock)
        {
            if (failure is null)
            {
                _failures.Remove(key);
            }

            _working.Remove(key);
            if (_again.Remove(key))
            {
                AddLocked(key);
            }

            if (next is { } delay)
            {
                AddAfterLocked(key, delay);
            }
        }
    }

    private void AddLocked(ObjectKey key)
    {
        if (_working.Contains(key))
        {
            _again.Add(key);
        }
        else if (_queued.Add(key))
        {
            _ready.Enqueue(key);
            _available.Release();
        }
    }

    private void AddAfterLocked(ObjectKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            AddLocked(key);
            return;
        }

        var due = _time.GetUtcNow() + delay;
        if (_queued.Contains(key) || (_later.TryGetValue(key, out var known) && known <= due))
        {
            return;
        }

        _later[key] = due;
        _byTime.Enqueue(key, due);
        SetTimer();
    }

    private void TakeDue()
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            while (_byTime.TryPeek(out var key, out var due) && (due <= now || !IsCurrent(key, due)))
            {
                _byTime.Dequeue();
                if (IsCurrent(key, due))
                {
                    _later.Remove(key);
                    AddLocked(key);
                }
            }

            SetTimer();
        }
    }

    private bool IsCurrent(ObjectKey key, DateTimeOffset due) => _later.TryGetValue(key, out var known) && known == due;

    private void SetTimer()
    {
        if (_byTime.TryPeek(out _, out var due))
        {
            var wait = due - _time.GetUtcNow();
            _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
