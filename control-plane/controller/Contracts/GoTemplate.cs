using System.Globalization;
using System.Text;
using Brokkr.Apis;

namespace Brokkr.Controller.Contracts;

/// <summary>A template cannot be used, or cannot be applied to an object.</summary>
internal sealed class GoTemplateException(string message) : Exception(message);

/// <summary>
/// The part of Go's <c>text/template</c> that names of topics and groups are made with: fields of the object's metadata, <c>index</c>,
/// <c>printf</c>, <c>eq</c>, <c>ne</c>, <c>not</c>, <c>and</c>, <c>or</c>, <c>if</c>/<c>else</c>/<c>end</c>, comments and white space trimming.
/// Anything else is refused when the template is read (control-plane §14).
/// </summary>
internal sealed class GoTemplate
{
    private readonly List<Node> _nodes;

    private GoTemplate(string text, List<Node> nodes)
    {
        Text = text;
        _nodes = nodes;
    }

    /// <summary>The template as it is written.</summary>
    public string Text { get; }

    /// <summary>Reads a template.</summary>
    /// <exception cref="GoTemplateException">It is none, or uses what is not supported.</exception>
    public static GoTemplate Parse(string text)
    {
        var blocks = new GoTemplateParser(text);
        return new GoTemplate(text, blocks.ReadAll());
    }

    /// <summary>Applies the template to an object.</summary>
    /// <exception cref="GoTemplateException">The object has not what the template asks for.</exception>
    public string Execute(ObjectMeta metadata)
    {
        var result = new StringBuilder();
        Run(_nodes, metadata, result);
        return result.ToString();
    }

    private static void Run(List<Node> nodes, ObjectMeta metadata, StringBuilder result)
    {
        foreach (var node in nodes)
        {
            switch (node)
            {
                case Literal literal:
                    result.Append(literal.Text);
                    break;
                case Print print:
                    result.Append(print.Value.Evaluate(metadata));
                    break;
                case Branch branch:
                    Run(Expression.IsTrue(branch.Condition.Evaluate(metadata)) ? branch.Then : branch.Otherwise, metadata, result);
                    break;
            }
        }
    }

    internal abstract record Node;

    internal sealed record Literal(string Text) : Node;

    internal sealed record Print(Expression Value) : Node;

    internal sealed record Branch(Expression Condition, List<Node> Then, List<Node> Otherwise) : Node;

    internal abstract record Expression
    {
        public abstract object Evaluate(ObjectMeta metadata);

        public static bool IsTrue(object value) =>
            value switch
            {
                string text => text.Length > 0,
                bool flag => flag,
                long number => number != 0,
                IReadOnlyDictionary<string, string> map => map.Count > 0,
                _ => true,
            };
    }

    internal sealed record Constant(object Value) : Expression
    {
        public override object Evaluate(ObjectMeta metadata) => Value;
    }

    /// <summary><c>.Name</c>, <c>.Labels</c>, <c>.Labels.team</c>.</summary>
    internal sealed record Field(string Name, string? Entry) : Expression
    {
        private static readonly Dictionary<string, string> NoEntries = new(StringComparer.Ordinal);

        public static bool Exists(string name) =>
            name is "Name" or "Namespace" or "UID" or "ResourceVersion" or "Generation" or "Labels" or "Annotations";

        public override object Evaluate(ObjectMeta metadata)
        {
            object value = Name switch
            {
                "Name" => metadata.Name ?? "",
                "Namespace" => metadata.Namespace ?? "",
                "UID" => metadata.Uid ?? "",
                "ResourceVersion" => metadata.ResourceVersion ?? "",
                "Generation" => metadata.Generation ?? 0,
                "Labels" => metadata.Labels ?? NoEntries,
                _ => metadata.Annotations ?? NoEntries,
            };
            if (Entry is null)
            {
                return value;
            }

            return value is IReadOnlyDictionary<string, string> map && map.TryGetValue(Entry, out var entry)
                ? entry
                : throw new GoTemplateException($"the object has no {Entry} in its {Name.ToLowerInvariant()}");
        }
    }

    internal sealed record Call(string Function, IReadOnlyList<Expression> Arguments) : Expression
    {
        /// <summary>Fewest and most arguments of a function; null if there is no such function.</summary>
        public static (int Least, int Most)? ArgumentsOf(string function) =>
            function switch
            {
                "index" => (2, 2),
                "printf" => (1, 20),
                "eq" => (2, 20),
                "ne" => (2, 2),
                "not" => (1, 1),
                "and" or "or" => (1, 20),
                _ => null,
            };

        public override object Evaluate(ObjectMeta metadata)
        {
            switch (Function)
            {
                case "and":
                    return Arguments
                        .Select(argument => argument.Evaluate(metadata))
                        .Aggregate((left, right) => IsTrue(left) ? right : left);
                case "or":
                    return Arguments
                        .Select(argument => argument.Evaluate(metadata))
                        .Aggregate((left, right) => IsTrue(left) ? left : right);
            }

            var values = Arguments.Select(argument => argument.Evaluate(metadata)).ToArray();
            return Function switch
            {
                "index" => Index(values[0], values[1]),
                "printf" => Format(values),
                "eq" => values.Skip(1).Any(value => Equals(value, values[0])),
                "ne" => !Equals(values[0], values[1]),
                _ => !IsTrue(values[0]),
            };
        }

        private static object Index(object map, object key) =>
            map is IReadOnlyDictionary<string, string> entries && key is string name
                ? entries.TryGetValue(name, out var value)
                    ? value
                    : ""
                : throw new GoTemplateException("index is only for labels and annotations, with a text as key");

        private static string Format(object[] values)
        {
            if (values[0] is not string format)
            {
                throw new GoTemplateException("the first argument of printf must be a text");
            }

            var result = new StringBuilder();
            var next = 1;
            for (var i = 0; i < format.Length; i++)
            {
                if (format[i] != '%' || i + 1 == format.Length)
                {
                    result.Append(format[i]);
                    continue;
                }

                switch (format[++i])
                {
                    case '%':
                        result.Append('%');
                        break;
                    case 's' or 'v' or 'd' when next < values.Length:
                        result.Append(CultureInfo.InvariantCulture, $"{values[next++]}");
                        break;
                    case 'q' when next < values.Length:
                        result.Append(CultureInfo.InvariantCulture, $"\"{values[next++]}\"");
                        break;
                    default:
                        throw new GoTemplateException("printf knows %s, %v, %d, %q and %% with an argument for each");
                }
            }

            return result.ToString();
        }
    }
}
