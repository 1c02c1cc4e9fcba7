using System.Buffers.Text;
using System.Text;

namespace Brokkr.Dispatcher.Cursors;

/// <summary>A record that was unfinished when a position was committed.</summary>
/// <param name="Offset">Its offset.</param>
/// <param name="FailedAttempts">Attempts that had failed.</param>
internal readonly record struct RememberedRecord(long Offset, int FailedAttempts);

/// <summary>
/// What travels beside a committed position, so that a restart delivers again only what was really unfinished and attempts go on being counted:
/// all offsets from the position up to <see cref="Frontier"/> are finished except <see cref="Unfinished"/>.
/// </summary>
/// <param name="Frontier">The first offset of which nothing is known.</param>
/// <param name="Unfinished">The unfinished ones below the frontier, in ascending order.</param>
/// <remarks>
/// Text form: <c>brokkr1:</c> and, in base64url, variable-length numbers: frontier minus position, then for each unfinished record the distance to the
/// one before (the first: to the position) times two, plus one if a number of failed attempts follows. Other text is ignored, as its writer ignores ours.
/// </remarks>
internal sealed record CursorMetadata(long Frontier, IReadOnlyList<RememberedRecord> Unfinished)
{
    /// <summary>Kafka's default limit of the metadata of an offset, in bytes.</summary>
    public const int MaxLength = 4096;

    private const string Prefix = "brokkr1:";
    private const int MaxBytes = (MaxLength - 8) / 4 * 3;
    private const int MaxNumber = 10;
    private const int MaxEntry = MaxNumber + 5;

    /// <summary>Writes what a window knows; empty if the position says it all.</summary>
    /// <param name="window">The window.</param>
    /// <param name="remembered">What an earlier process left, of which the part beyond the window still holds.</param>
    public static string Write(OffsetWindow window, CursorMetadata? remembered = null)
    {
        var position = window.Position;
        var writer = new EntryWriter(stackalloc byte[MaxBytes], position);
        var frontier = Math.Max(window.Next, remembered?.Frontier ?? 0);
        var isPlain = true;
        for (var record = window.First; record is not null && frontier > record.Offset; record = record.Later)
        {
            isPlain &= record.FailedAttempts == 0 && record.Offset == position;
            if (!writer.TryWrite(record.Offset, record.FailedAttempts))
            {
                // No room: what lies beyond is forgotten, that is, delivered again after a restart.
                frontier = record.Offset;
            }
        }

        foreach (var record in remembered?.Unfinished ?? [])
        {
            if (record.Offset >= window.Next && record.Offset < frontier)
            {
                isPlain = false;
                if (!writer.TryWrite(record.Offset, record.FailedAttempts))
                {
                    frontier = record.Offset;
                }
            }
        }

        var distance = frontier - position;
        return distance == 0 || (isPlain && window.Count == 1 && distance == 1) ? "" : writer.ToText(distance);
    }

    /// <summary>Reads what stands beside a position; null for anything that is not ours.</summary>
    public static CursorMetadata? Read(long position, string metadata)
    {
        if (!metadata.StartsWith(Prefix, StringComparison.Ordinal) || metadata.Length > MaxLength)
        {
            return null;
        }

        var text = Encoding.UTF8.GetBytes(metadata, Prefix.Length, metadata.Length - Prefix.Length);
        Span<byte> bytes = stackalloc byte[MaxLength];
        if (Base64Url.DecodeFromUtf8(text, bytes, out _, out var written) != System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = bytes[..written];
        if (!TryReadNumber(ref rest, out var span) || span > long.MaxValue / 2)
        {
            return null;
        }

        var frontier = position + (long)span;
        var unfinished = new List<RememberedRecord>();
        var offset = position;
        while (!rest.IsEmpty)
        {
            if (!TryReadNumber(ref rest, out var entry))
            {
                return null;
            }

            ulong attempts = 0;
            if ((entry & 1) == 1 && (!TryReadNumber(ref rest, out attempts) || attempts > int.MaxValue))
            {
                return null;
            }

            var distance = (long)(entry >> 1);
            if (distance > frontier - offset || (distance == 0 && unfinished.Count > 0))
            {
                return null;
            }

            offset += distance;
            if (offset >= frontier)
            {
                return null;
            }

            unfinished.Add(new RememberedRecord(offset, (int)attempts));
        }

        return new CursorMetadata(frontier, unfinished);
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        for (var i = 0; i < source.Length && i < 10; i++)
        {
            value |= (ulong)(source[i] & 0x7f) << (7 * i);
            if (source[i] < 0x80)
            {
                source = source[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private ref struct EntryWriter(Span<byte> entries, long position)
    {
        private readonly Span<byte> _entries = entries;
        private int _used;
        private long _previous = position;

        public bool TryWrite(long offset, int failedAttempts)
        {
            if (_used > _entries.Length - MaxEntry - MaxNumber)
            {
                return false;
            }

            var distance = (ulong)(offset - _previous) << 1;
            _previous = offset;
            if (failedAttempts > 0)
            {
                _used += WriteNumber(_entries[_used..], distance | 1);
                _used += WriteNumber(_entries[_used..], (uint)failedAttempts);
            }
            else
            {
                _used += WriteNumber(_entries[_used..], distance);
            }

            return true;
        }

        public readonly string ToText(long distance)
        {
            Span<byte> all = stackalloc byte[MaxBytes];
            var length = WriteNumber(all, (ulong)distance);
            _entries[.._used].CopyTo(all[length..]);
            return Prefix + Base64Url.EncodeToString(all[..(length + _used)]);
        }

        private static int WriteNumber(Span<byte> target, ulong value)
        {
            var length = 0;
            while (value >= 0x80)
            {
                target[length++] = (byte)(value | 0x80);
                value >>= 7;
            }

            target[length++] = (byte)value;
            return length;
        }
    }
}
