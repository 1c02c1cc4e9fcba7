namespace Brokkr.Cli.Display;

/// <summary>Counts the attempts at each event. Of very many events the oldest are forgotten. Thread-safe.</summary>
internal sealed class AttemptCounter(int capacity = 100_000)
{
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private readonly Queue<string> _oldest = new();

    /// <summary>Counts an attempt.</summary>
    /// <param name="key">Identifies the event.</param>
    /// <returns>Its number, from 1.</returns>
    public int Next(string key)
    {
        lock (_attempts)
        {
            if (_attempts.TryGetValue(key, out var attempts))
            {
                return _attempts[key] = attempts + 1;
            }

            if (_attempts.Count >= capacity)
            {
                _attempts.Remove(_oldest.Dequeue());
            }

            _oldest.Enqueue(key);
            return _attempts[key] = 1;
        }
    }
}
