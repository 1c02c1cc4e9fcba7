using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Brokkr.Embedded;

/// <summary>The topics that exist. Changed by the writer thread when a transaction has been committed; read by everybody.</summary>
internal sealed class TopicTable
{
    private readonly ConcurrentDictionary<string, TopicState> _topics = new(StringComparer.Ordinal);

    /// <summary>Raised on the writer thread when a topic came or went.</summary>
    public event Action? Changed;

    public IEnumerable<TopicState> All => _topics.Values;

    public bool TryGet(string name, [NotNullWhen(true)] out TopicState? topic) => _topics.TryGetValue(name, out topic);

    public void Add(TopicState topic)
    {
        _topics[topic.Name] = topic;
        Changed?.Invoke();
    }

    public void Remove(string name)
    {
        if (_topics.TryRemove(name, out var topic))
        {
            topic.MarkGone();
            Changed?.Invoke();
        }
    }
}
