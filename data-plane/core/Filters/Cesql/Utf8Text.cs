namespace Brokkr.Core.Filters.Cesql;

/// <summary>Counts characters, which are code points, in UTF-8 (SQL-32). Bytes that begin no character belong to the one before.</summary>
internal static class Utf8Text
{
    /// <summary>Bytes of the first character of a text that is not empty.</summary>
    public static int CharacterLength(ReadOnlySpan<byte> text)
    {
        var length = 1;
        while (length < text.Length && IsContinuation(text[length]))
        {
            length++;
        }

        return length;
    }

    /// <summary>Number of characters.</summary>
    public static int Length(ReadOnlySpan<byte> text)
    {
        var length = 0;
        for (var at = 0; at < text.Length; at += CharacterLength(text[at..]))
        {
            length++;
        }

        return length;
    }

    /// <summary>Where a character begins; the end of the text if it has not so many.</summary>
    /// <param name="text">The text.</param>
    /// <param name="character">Number of the character, from 0.</param>
    public static int IndexOf(ReadOnlySpan<byte> text, int character)
    {
        var at = 0;
        for (; character > 0 && at < text.Length; character--)
        {
            at += CharacterLength(text[at..]);
        }

        return at;
    }

    private static bool IsContinuation(byte value) => (value & 0xC0) == 0x80;
}
