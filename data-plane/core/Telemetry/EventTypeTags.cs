using System.Text;

namespace Brokkr.Core.Telemetry;

/// <summary>
/// Values of the tag <c>cloudevents.type</c>. Types come from untrusted input and every one of them makes a series, so only the first ones seen keep their
/// name; all others are <see cref="Unknown"/> (receiver-and-core §18.18). A known type costs a look-up and no allocation. Thread-safe.
/// </summary>
/// <param name="enabled">False: every type is <see cref="Unknown"/> (<c>METRICS_DISABLE_EVENT_TYPE_TAG</c>).</param>
/// <param name="capacity">Number of types that keep their name. Default 200.</param>
public sealed class EventTypeTags(bool enabled = true, int capacity = 200)
{
    /// <summary>The value for types without a name of their own.</summary>
    public const string Unknown = "unknown";

    /// <summary>Longest type that keeps its name, in bytes of UTF-8.</summary>
    public const int MaxLength = 256;

    private readonly Lock _lock = new();
    private Table _table = new(16, 0);

    /// <summary>The tag value of a type.</summary>
    /// <param name="utf8">The type, in UTF-8.</param>
    public string Of(ReadOnlySpan<byte> utf8)
    {
        if (!enabled || utf8.Length > MaxLength)
        {
            return Unknown;
        }

        var hash = Hash(utf8);
        return Volatile.Read(ref _table).Find(hash, utf8) ?? Add(hash, utf8);
    }

    private string Add(int hash, ReadOnlySpan<byte> utf8)
    {
        // Once full, the table never changes again: no lock then, or a flood of new types would queue up at it.
        if (Volatile.Read(ref _table).Count >= capacity)
        {
            return Unknown;
        }

        lock (_lock)
        {
            if (_table.Find(hash, utf8) is { } known)
            {
                return known;
            }

            if (_table.Count >= capacity)
            {
                return Unknown;
            }

            var entry = new Entry(hash, utf8.ToArray(), Encoding.UTF8.GetString(utf8));
            Volatile.Write(ref _table, _table.With(entry));
            return entry.Text;
        }
    }

    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    private sealed record Entry(int Hash, byte[] Utf8, string Text);

    /// <summary>An immutable hash table with open addressing.</summary>
    private sealed class Table(int slots, int count)
    {
        private readonly Entry?[] _entries = new Entry?[slots];

        public int Count { get; } = count;

        public string? Find(int hash, ReadOnlySpan<byte> utf8)
        {
            for (var slot = hash & (_entries.Length - 1); ; slot = (slot + 1) & (_entries.Length - 1))
            {
                var entry = _entries[slot];
                if (entry is null)
                {
                    return null;
                }

                if (entry.Hash == hash && utf8.SequenceEqual(entry.Utf8))
                {
                    return entry.Text;
                }
            }
        }

        public Table With(Entry added)
        {
            var table = new Table(Count * 2 < _entries.Length ? _entries.Length : _entries.Length * 2, Count + 1);
            foreach (var entry in _entries)
            {
                if (entry is not null)
                {
                    table.Put(entry);
                }
            }

            table.Put(added);
            return table;
        }

        private void Put(Entry entry)
        {
            var slot = entry.Hash & (_entries.Length - 1);
            while (_entries[slot] is not null)
            {
                slot = (slot + 1) & (_entries.Length - 1);
            }

            _entries[slot] = entry;
        }
    }
}
