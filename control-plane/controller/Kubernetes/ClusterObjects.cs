using System.Collections.Immutable;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>Everything that is reflected, as one immutable set that is replaced with each change, and those who want to know of changes.</summary>
internal sealed class ClusterObjects(ILogger logger)
{
    private readonly Lock _lock = new();
    private ImmutableArray<Action> _watchers = [];
    private ImmutableArray<Action<ObjectKey>> _objectWatchers = [];
    private volatile ObjectSet _current = ObjectSet.Empty;

    /// <summary>What there is now.</summary>
    public ObjectSet Current => _current;

    /// <summary>Calls back after changes.</summary>
    public IDisposable Watch(Action onChange)
    {
        ImmutableInterlocked.Update(ref _watchers, static (all, one) => all.Add(one), onChange);
        return new Subscription(() => ImmutableInterlocked.Update(ref _watchers, static (all, one) => all.Remove(one), onChange));
    }

    /// <summary>Calls back after changes, with what changed.</summary>
    public IDisposable Watch(Action<ObjectKey> onChange)
    {
        ImmutableInterlocked.Update(ref _objectWatchers, static (all, one) => all.Add(one), onChange);
        return new Subscription(() => ImmutableInterlocked.Update(ref _objectWatchers, static (all, one) => all.Remove(one), onChange));
    }

    /// <summary>Makes a change, and then tells of it.</summary>
    /// <param name="change">Gives the set after the change, and names in the list what changed; runs alone.</param>
    public void Change(Func<ObjectSet, List<ObjectKey>, ObjectSet> change)
    {
        var changed = new List<ObjectKey>();
        lock (_lock)
        {
            _current = change(_current, changed);
        }

        Tell(changed);
    }

    /// <summary>Tells that there is something new to know of objects.</summary>
    public void Tell(IReadOnlyCollection<ObjectKey> changed)
    {
        if (changed.Count == 0)
        {
            return;
        }

        foreach (var watcher in _objectWatchers)
        {
            foreach (var key in changed)
            {
                Call(watcher, key);
            }
        }

        foreach (var watcher in _watchers)
        {
            Call(static (one, _) => one(), watcher, default);
        }
    }

    private void Call(Action<ObjectKey> watcher, ObjectKey key) => Call(static (one, key) => one(key), watcher, key);

    /// <summary>One who fails must not keep the others, or the reflection, from going on.</summary>
    private void Call<TWatcher>(Action<TWatcher, ObjectKey> call, TWatcher watcher, ObjectKey key)
    {
        try
        {
            call(watcher, key);
        }
        catch (Exception exception)
        {
            logger.SubscriberFailed(exception);
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
