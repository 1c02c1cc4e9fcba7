using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Receiver.Routing;

/// <content>What the store knows.</content>
internal sealed partial class IngressStore
{
    /// <summary>The table in force.</summary>
    public IngressTable Table => Volatile.Read(ref _table);

    /// <summary>Whether a contract has been applied and each of its resources been tried at least once.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_lock)
            {
                return _applied && _order.TrueForAll(entry => entry.Tried);
            }
        }
    }

    /// <summary>Completes when the table is that of the last contract, as far as logs can be opened.</summary>
    public Task WhenInForceAsync()
    {
        lock (_lock)
        {
            return IsInForce ? Task.CompletedTask : (_inForce ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Whether a contract has been applied.</summary>
    public bool HasContract
    {
        get
        {
            lock (_lock)
            {
                return _applied;
            }
        }
    }

    /// <summary>Whether some resource of the contract takes events only from senders with a token.</summary>
    public bool NeedsTokens
    {
        get
        {
            lock (_lock)
            {
                return _order.Exists(entry => entry.Wanted?.Access is not null);
            }
        }
    }

    /// <summary>Generation of the contract that was applied last; 0 before the first.</summary>
    public ulong Generation => Interlocked.Read(ref _generation);

    /// <summary>Resources of the contract that have an ingress.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _order.Count;
            }
        }
    }

    /// <summary>Those of them that are served.</summary>
    public int OpenCount
    {
        get
        {
            lock (_lock)
            {
                var open = 0;
                foreach (var entry in _order)
                {
                    open += entry.Served is null ? 0 : 1;
                }

                return open;
            }
        }
    }

    /// <summary>The logs that are open now, each once.</summary>
    public IReadOnlyCollection<ILog> OpenLogs()
    {
        lock (_lock)
        {
            var open = new HashSet<ILog>(ReferenceEqualityComparer.Instance);
            foreach (var entry in _order)
            {
                if (entry.Log is { } log)
                {
                    open.Add(log.Log);
                }
            }

            return open;
        }
    }

    /// <summary>Under the lock.</summary>
    private bool IsInForce => _closed || (_applied && !_rebuildQueued && _order.TrueForAll(static entry => !entry.Pending));

    /// <summary>A resource of the contract in force.</summary>
    private sealed class Entry
    {
        /// <summary>What the contract says.</summary>
        public IngressDefinition? Wanted { get; set; }

        /// <summary>The resource that says so.</summary>
        public Resource? Resource { get; set; }

        /// <summary>What requests get; null until the log has been opened once.</summary>
        public Ingress? Served { get; set; }

        /// <summary>The open log.</summary>
        public SharedLog? Log { get; set; }

        /// <summary>What <see cref="Log"/> was opened for.</summary>
        public LogIdentity? LogIdentity { get; set; }

        /// <summary>Ends the attempts to open the log; null when there are none.</summary>
        public CancellationTokenSource? Opening { get; set; }

        /// <summary>Whether an attempt to open a log has ended.</summary>
        public bool Tried { get; set; }

        /// <summary>Whether the first attempt to open the log that the contract wants is under way.</summary>
        public bool Pending { get; set; }

        /// <summary>Why the log could not be opened, as was reported; null once it is open.</summary>
        public string? Problem { get; set; }

        /// <summary>Whether another resource has its path or host, as was reported.</summary>
        public bool Conflict { get; set; }
    }
}
