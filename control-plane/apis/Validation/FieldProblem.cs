using System.Text;

namespace Brokkr.Apis.Validation;

/// <summary>What is wrong with a field.</summary>
/// <param name="Path">The field, such as <c>spec.filters[0].exact</c>; empty for the object as a whole.</param>
/// <param name="Message">What is wrong, as the end of a sentence that begins with the field: <c>must not be negative</c>.</param>
/// <param name="IsWarning">Whether the object can be used all the same.</param>
public sealed record FieldProblem(string Path, string Message, bool IsWarning = false)
{
    /// <summary>The same as Knative's webhooks say it; null for the shape of an object, which they tell otherwise.</summary>
    public AdmissionFault? Fault { get; init; }

    /// <summary><c>spec.delivery.retry: must not be negative</c>.</summary>
    public override string ToString() => Path.Length > 0 ? $"{Path}: {Message}" : Message;
}

/// <summary>Writes paths of fields: <c>spec.filters[0].exact.type</c>, <c>metadata.annotations[a.b/c]</c>.</summary>
public static class FieldPath
{
    /// <summary>The path of a member. A name that is not plain (letters, digits, <c>-</c>, <c>_</c>) comes in brackets.</summary>
    public static string Member(string path, string name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return $"{path}[{name}]";
            }
        }

        return path.Length == 0 ? name : $"{path}.{name}";
    }

    /// <summary>The path of an element of a list, from 0.</summary>
    public static string Element(string path, int index) => $"{path}[{index}]";

    /// <summary>The path of what holds a field; empty for a top-level field.</summary>
    public static string Parent(string path)
    {
        if (path.EndsWith(']'))
        {
            return path[..Math.Max(0, path.LastIndexOf('['))];
        }

        return path[..Math.Max(0, path.LastIndexOf('.'))];
    }

    /// <summary>The path of an annotation.</summary>
    public static string Annotation(string name) => Member("metadata.annotations", name);
}

/// <summary>Collects problems.</summary>
internal sealed class ProblemList
{
    private readonly List<FieldProblem> _problems = [];

    public IReadOnlyList<FieldProblem> Problems => _problems;

    /// <summary>Whether messages may show values; not those of Secrets.</summary>
    public bool QuotesValues { get; init; } = true;

    /// <summary>A value of another shape than the type's. What a rule refuses is told by one of the methods below.</summary>
    public void Error(string path, string message) => _problems.Add(new FieldProblem(path, message));

    public void Fault(string path, string message, AdmissionFault fault) =>
        _problems.Add(new FieldProblem(path, message) { Fault = fault });

    /// <summary>A value that is not allowed.</summary>
    /// <param name="path">The field.</param>
    /// <param name="value">The value.</param>
    /// <param name="message">What it must be.</param>
    /// <param name="isPlain">Whether Knative's webhooks say no more than that it is invalid.</param>
    public void Invalid(string path, object? value, string message, bool isPlain = false) =>
        Fault(path, message, new AdmissionFault($"invalid value: {value}", [path], isPlain ? "" : message));

    public void Missing(string path) => Fault(path, "is missing", new AdmissionFault("missing field(s)", [path]));

    public void Disallowed(string path, string message) =>
        Fault(path, message, new AdmissionFault("must not set the field(s)", [path], message));

    /// <summary>Of two fields both or none are given.</summary>
    public void ExactlyOne(string path, bool hasBoth, IReadOnlyList<string> fields, string message) =>
        Fault(path, message, new AdmissionFault($"expected exactly one, got {(hasBoth ? "both" : "neither")}", fields));

    public void Warn(string path, string message) => _problems.Add(new FieldProblem(path, message, IsWarning: true));

    /// <summary>A value as it is quoted in messages: short and on one line.</summary>
    public static string Quote(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var c in value.AsSpan(0, Math.Min(value.Length, 80)))
        {
            text.Append(char.IsControl(c) ? '?' : c);
        }

        return text.Append(value.Length > 80 ? "...\"" : "\"").ToString();
    }
}
