namespace Brokkr.Core.Contract;

/// <summary>
/// Where a role learns its contract from: a file, a folder, the control plane in the same process. <see cref="Current"/> is replaced as a whole;
/// a contract, once published, is never modified.
/// </summary>
public interface IContractSource
{
    /// <summary>The contract in force; null until the first one has been read.</summary>
    Wire.Contract? Current { get; }

    /// <summary>Calls back with the contract in force, if any, and then with each newer one, one call at a time.</summary>
    /// <returns>Ends the subscription.</returns>
    IDisposable Subscribe(Action<Wire.Contract> onChange);
}

/// <summary>A contract source that is told what the contract is.</summary>
public sealed class ContractPublisher : IContractSource
{
    private readonly Lock _lock = new();
    private readonly List<Action<Wire.Contract>> _subscribers = [];

    /// <inheritdoc/>
    public Wire.Contract? Current { get; private set; }

    /// <summary>Puts a contract in force. Subscribers have seen it when this returns.</summary>
    public void Publish(Wire.Contract contract)
    {
        lock (_lock)
        {
            Current = contract;
            foreach (var subscriber in _subscribers)
            {
                subscriber(contract);
            }
        }
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<Wire.Contract> onChange)
    {
        lock (_lock)
        {
            _subscribers.Add(onChange);
            if (Current is { } contract)
            {
                onChange(contract);
            }
        }

        return new Subscription(this, onChange);
    }

    private sealed class Subscription(ContractPublisher publisher, Action<Wire.Contract> onChange) : IDisposable
    {
        public void Dispose()
        {
            lock (publisher._lock)
            {
                publisher._subscribers.Remove(onChange);
            }
        }
    }
}
