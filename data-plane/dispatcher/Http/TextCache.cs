using System.Text;

namespace Brokkr.Dispatcher.Http;

/// <summary>
/// Texts that come again and again (types, sources, names of extensions), so that they are not made anew for every event. Bounded: a text may push out
/// another. Thread-safe without locks, because entries are immutable and replaced as a whole.
/// </summary>
internal sealed class TextCache
{
    private const int Entries = 1024;
    private const int LongestText = 128;
    private readonly string?[] _texts = new string?[Entries];

    /// <summary>The text of bytes that are printable ASCII; null if they are not, or too long to be kept.</summary>
    public string? Find(ReadOnlySpan<byte> bytes, ReadOnlySpan<char> prefix)
    {
        if (bytes.Length + prefix.Length > LongestText)
        {
            return null;
        }

        ref var slot = ref _texts[Hash(bytes, prefix.Length) & (Entries - 1)];
        var text = Volatile.Read(ref slot);
        if (
            text is not null
            && text.Length == prefix.Length + bytes.Length
            && text.StartsWith(prefix)
            && Ascii.Equals(bytes, text.AsSpan(prefix.Length))
        )
        {
            return text;
        }

        foreach (var b in bytes)
        {
            if (b is < 0x21 or > 0x7e or (byte)'"' or (byte)'%')
            {
                return null;
            }
        }

        text = string.Concat(prefix, Encoding.ASCII.GetString(bytes));
        Volatile.Write(ref slot, text);
        return text;
    }

    private static int Hash(ReadOnlySpan<byte> bytes, int seed)
    {
        var hash = 2166136261u + (uint)seed;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 16777619;
        }

        return (int)(hash ^ (hash >> 15));
    }
}
