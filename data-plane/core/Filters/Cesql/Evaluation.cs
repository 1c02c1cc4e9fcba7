using Brokkr.Core.Events;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>Types of values (SQL-11).</summary>
internal enum CesqlType : byte
{
    /// <summary>Known only when an event is there: an extension.</summary>
    Unknown,
    Boolean,
    Integer,
    String,
}

/// <summary>What went wrong while an expression was evaluated (SQL-14). None of them ends the evaluation.</summary>
[Flags]
internal enum CesqlErrors : byte
{
    None = 0,
    Math = 1,
    Cast = 2,
    MissingAttribute = 4,
    MissingFunction = 8,
    FunctionEvaluation = 16,
}

/// <summary>A value. One that failed carries what the failing operation is documented to yield; operations that take it as operand fail too.</summary>
internal readonly ref struct Value
{
    private Value(CesqlType type, bool isFailed, int number, ReadOnlySpan<byte> text)
    {
        Type = type;
        IsFailed = isFailed;
        Number = number;
        Text = text;
    }

    public CesqlType Type { get; }

    public bool IsFailed { get; }

    /// <summary>The Integer; of a Boolean 1 or 0.</summary>
    public int Number { get; }

    /// <summary>The String as UTF-8; of an Integer its decimal form if that is at hand, else empty.</summary>
    public ReadOnlySpan<byte> Text { get; }

    public static Value Of(bool value, bool isFailed = false) => new(CesqlType.Boolean, isFailed, value ? 1 : 0, default);

    public static Value Of(int value, bool isFailed = false, ReadOnlySpan<byte> text = default) =>
        new(CesqlType.Integer, isFailed, value, text);

    public static Value Of(ReadOnlySpan<byte> value, bool isFailed = false) => new(CesqlType.String, isFailed, 0, value);
}

/// <summary>One evaluation: the event, the errors so far, and memory for texts that functions make.</summary>
internal ref struct Evaluation(in FilterInput input, Span<byte> scratch, ICorrelationKeys? keys = null)
{
    private readonly FilterInput _input = input;
    private Span<byte> _scratch = scratch;

    public readonly CloudEvent Event => _input.Event;

    public readonly EventOverlay Overlay => _input.Overlay;

    /// <summary>Null where there are none.</summary>
    public readonly ICorrelationKeys? Keys => keys;

    public CesqlErrors Errors { get; private set; }

    public void Fail(CesqlErrors error) => Errors |= error;

    /// <summary>Memory until the end of this evaluation; from the heap only where the scratch space is used up.</summary>
    public Span<byte> Take(int length)
    {
        if (length > _scratch.Length)
        {
            return new byte[length];
        }

        var taken = _scratch[..length];
        _scratch = _scratch[length..];
        return taken;
    }
}
