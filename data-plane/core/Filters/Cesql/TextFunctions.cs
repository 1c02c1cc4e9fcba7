using System.Buffers;
using System.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary><c>STRING</c>.</summary>
internal sealed class ToTextNode(Node operand) : TextNode(operand)
{
    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value) =>
        operand.TryText(ref evaluation, out value) || None(out value);

    private static bool None(out ReadOnlySpan<byte> value)
    {
        value = default;
        return false;
    }
}

/// <summary><c>CONCAT</c>, <c>CONCAT_WS</c>. A result longer than <see cref="MaxLength"/> bytes is an error, so that no expression can fill the memory.</summary>
/// <param name="delimiter">Stands between the parts; null for nothing.</param>
/// <param name="parts">The parts.</param>
internal sealed class ConcatNode(Node? delimiter, Node[] parts) : TextNode(delimiter is null ? parts : [delimiter, .. parts])
{
    public const int MaxLength = 1024 * 1024;

    private static readonly Constant Nothing = new(Value.Of(ReadOnlySpan<byte>.Empty), CesqlErrors.None);

    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!(delimiter ?? Nothing).TryText(ref evaluation, out var between))
        {
            return false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(256);
        var length = 0;
        var isGood = true;
        for (var i = 0; i < parts.Length && isGood; i++)
        {
            isGood = parts[i].TryText(ref evaluation, out var part);
            if (isGood)
            {
                isGood =
                    (i == 0 || TryAppend(between, ref buffer, ref length, ref evaluation))
                    && TryAppend(part, ref buffer, ref length, ref evaluation);
            }
        }

        if (isGood)
        {
            var result = evaluation.Take(length);
            buffer.AsSpan(0, length).CopyTo(result);
            value = result;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return isGood;
    }

    private static bool TryAppend(scoped ReadOnlySpan<byte> text, ref byte[] buffer, ref int length, scoped ref Evaluation evaluation)
    {
        if (text.Length > MaxLength - length)
        {
            evaluation.Fail(CesqlErrors.FunctionEvaluation);
            return false;
        }

        if (text.Length > buffer.Length - length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(length + text.Length, 2 * buffer.Length));
            buffer.AsSpan(0, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }

        text.CopyTo(buffer.AsSpan(length));
        length += text.Length;
        return true;
    }
}

/// <summary><c>UPPER</c>, <c>LOWER</c>: the simple mapping of each character, of no culture.</summary>
internal sealed class CaseNode(Node operand, bool isUpper) : TextNode(operand)
{
    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!operand.TryText(ref evaluation, out var text))
        {
            return false;
        }

        // A character's mapping takes at most one byte more than itself, and has two or more if so.
        var isAscii = Ascii.IsValid(text);
        var result = evaluation.Take(isAscii ? text.Length : text.Length + (text.Length / 2) + 1);
        var written = 0;
        if (isAscii)
        {
            _ = isUpper ? Ascii.ToUpper(text, result, out written) : Ascii.ToLower(text, result, out written);
        }

        for (var rest = isAscii ? default : text; rest.Length > 0; )
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var used) == OperationStatus.Done)
            {
                written += (isUpper ? Rune.ToUpperInvariant(rune) : Rune.ToLowerInvariant(rune)).EncodeToUtf8(result[written..]);
            }
            else
            {
                rest[..used].CopyTo(result[written..]);
                written += used;
            }

            rest = rest[used..];
        }

        value = result[..written];
        return true;
    }
}

/// <summary><c>TRIM</c>: without Unicode white space on both sides.</summary>
internal sealed class TrimNode(Node operand) : TextNode(operand)
{
    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!operand.TryText(ref evaluation, out var text))
        {
            return false;
        }

        while (Rune.DecodeFromUtf8(text, out var first, out var used) == OperationStatus.Done && Rune.IsWhiteSpace(first))
        {
            text = text[used..];
        }

        while (Rune.DecodeLastFromUtf8(text, out var last, out var used) == OperationStatus.Done && Rune.IsWhiteSpace(last))
        {
            text = text[..^used];
        }

        value = text;
        return true;
    }
}

/// <summary><c>LEFT</c>, <c>RIGHT</c> (SQL-33).</summary>
internal sealed class EndNode(Node operand, Node count, bool isLeft) : TextNode(operand, count)
{
    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!operand.TryText(ref evaluation, out var text) || !count.TryInteger(ref evaluation, out var characters))
        {
            return false;
        }

        if (characters < 0)
        {
            evaluation.Fail(CesqlErrors.FunctionEvaluation);
            value = text;
            return false;
        }

        value = isLeft
            ? text[..Utf8Text.IndexOf(text, characters)]
            : text[Utf8Text.IndexOf(text, Math.Max(0, Utf8Text.Length(text) - characters))..];
        return true;
    }
}

/// <summary><c>SUBSTRING</c>: positions from 1, or from the end if negative (SQL-34).</summary>
internal sealed class SubstringNode(Node operand, Node position, Node? length)
    : TextNode(length is null ? [operand, position] : [operand, position, length])
{
    public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!operand.TryText(ref evaluation, out var text) || !position.TryInteger(ref evaluation, out var first))
        {
            return false;
        }

        var characters = int.MaxValue;
        if (length is not null && !length.TryInteger(ref evaluation, out characters))
        {
            return false;
        }

        var all = Utf8Text.Length(text);
        if (characters < 0 || first > all || first < -all)
        {
            evaluation.Fail(CesqlErrors.FunctionEvaluation);
            return false;
        }

        if (first != 0)
        {
            var rest = text[Utf8Text.IndexOf(text, first > 0 ? first - 1 : all + first)..];
            value = rest[..Utf8Text.IndexOf(rest, characters)];
        }

        return true;
    }
}
