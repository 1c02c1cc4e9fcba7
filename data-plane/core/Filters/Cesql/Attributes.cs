using Brokkr.Core.Events;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>
/// The value of an attribute. Core attributes are Strings; an extension has the type that the way in told, which for headers is String.
/// A missing one fails (SQL-15, SQL-16).
/// </summary>
internal abstract class AttributeNode(CesqlType type, bool needsScratch = false) : Node(type, needsScratch)
{
    /// <summary>The attribute of a lower-case name.</summary>
    public static AttributeNode Create(byte[] name) =>
        CoreOf(name) switch
        {
            null => new Extension(name),
            CoreAttribute.Time => new Time(),
            { } core => new Core(core),
        };

    /// <summary>Whether the attribute of a lower-case name is there (SQL-25).</summary>
    public static Node Exists(byte[] name) =>
        CoreOf(name) switch
        {
            null => new ExtensionExists(name),
            CoreAttribute.Id or CoreAttribute.Source or CoreAttribute.Type or CoreAttribute.SpecVersion => new Constant(
                Value.Of(value: true),
                CesqlErrors.None
            ),
            { } core => new CoreExists(core),
        };

    // Both names of the schema read it, whatever the version (dispatcher §6).
    private static CoreAttribute? CoreOf(byte[] name) =>
        AttributeNames.TryGetCore(name, out var core) ? core
        : name.AsSpan().SequenceEqual(AttributeNames.SchemaUrl) ? CoreAttribute.DataSchema
        : null;

    private static bool Missing(scoped ref Evaluation evaluation)
    {
        evaluation.Fail(CesqlErrors.MissingAttribute);
        return false;
    }

    private static Value MissingValue(scoped ref Evaluation evaluation) => Value.Of(Missing(ref evaluation), isFailed: true);

    private sealed class Core(CoreAttribute attribute) : AttributeNode(CesqlType.String)
    {
        public override Value Evaluate(scoped ref Evaluation evaluation) =>
            evaluation.Event.Has(attribute) ? Value.Of(evaluation.Event.Get(attribute)) : MissingValue(ref evaluation);

        public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value)
        {
            value = evaluation.Event.Get(attribute);
            return !value.IsEmpty || evaluation.Event.Has(attribute) || Missing(ref evaluation);
        }
    }

    /// <summary>As text in its own offset, with 0, 3, 6 or 9 digits of fraction (receiver-and-core §13.3), seconds always told.</summary>
    private sealed class Time() : AttributeNode(CesqlType.String, needsScratch: true)
    {
        public override Value Evaluate(scoped ref Evaluation evaluation)
        {
            if (!evaluation.Event.Has(CoreAttribute.Time))
            {
                return MissingValue(ref evaluation);
            }

            var text = evaluation.Event.Get(CoreAttribute.Time);
            if (!Timestamp.TryParse(text, lenient: true, out var time))
            {
                return Value.Of(text);
            }

            var written = evaluation.Take(time.MaxLength);
            return Value.Of(written[..time.WritePadded(written)]);
        }
    }

    private sealed class Extension(byte[] name) : AttributeNode(CesqlType.Unknown)
    {
        public override Value Evaluate(scoped ref Evaluation evaluation)
        {
            if (
                !evaluation.Overlay.TryGet(name, out var value, out var type)
                && !evaluation.Event.TryGetExtension(name, out value, out type)
            )
            {
                return MissingValue(ref evaluation);
            }

            return type switch
            {
                AttributeType.Boolean when Casts.TryParse(value, out bool boolean) => Value.Of(boolean),
                AttributeType.Integer when Casts.TryParse(value, out int number) => Value.Of(number, text: value),
                _ => Value.Of(value),
            };
        }

        // The bytes of an attribute are its String form, whatever its type.
        public override bool TryText(scoped ref Evaluation evaluation, out ReadOnlySpan<byte> value) =>
            evaluation.Overlay.TryGet(name, out value) || evaluation.Event.TryGetExtension(name, out value) || Missing(ref evaluation);
    }

    private sealed class CoreExists(CoreAttribute attribute) : Predicate(needsScratch: false)
    {
        public override bool Test(scoped ref Evaluation evaluation) => evaluation.Event.Has(attribute);
    }

    private sealed class ExtensionExists(byte[] name) : Predicate(needsScratch: false)
    {
        public override bool Test(scoped ref Evaluation evaluation) =>
            evaluation.Overlay.TryGet(name, out _) || evaluation.Event.TryGetExtension(name, out _);
    }
}
