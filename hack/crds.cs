// Writes the custom resource definitions from the built types of Brokkr.Apis: fields and their kinds from the types, descriptions from their documentation,
// and from the tables below what a type cannot say. Run it through hack/crds.
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

var root = args[0];
var check = args.Contains("--check");
var built = new[] { "release", "debug" }
    .Select(configuration => new FileInfo(Path.Combine(root, "artifacts", "bin", "Brokkr.Apis", configuration, "Brokkr.Apis.dll")))
    .Where(file => file.Exists)
    .MaxBy(file => file.LastWriteTimeUtc);
if (built is null)
{
    Console.Error.WriteLine("The types are not built: dotnet build control-plane/apis");
    return 1;
}

var assembly = Assembly.LoadFrom(built.FullName);
var documentation = new Documentation(Path.ChangeExtension(built.FullName, ".xml"));
var folder = Path.Combine(root, "control-plane", "config", "crds");
string[] addressable = ["duck.knative.dev/addressable"];

// Only what is ours is installed always. The others belong to Knative Eventing and are for clusters without it.
var files = new SortedDictionary<string, string>(StringComparer.Ordinal)
{
    ["kafkasinks.yaml"] = Definition(
        "KafkaSink",
        "v1alpha1",
        addressable,
        [Column.Url, Column.Age, Column.Ready, Column.Reason],
        new Extras
        {
            Open = ["status.annotations"],
            Required = ["spec.topic", "spec.bootstrapServers", "spec.auth.secret.ref.name"],
            More = new()
            {
                ["spec.bootstrapServers"] = [("minItems", 1)],
                ["spec.contentMode"] = [("enum", new[] { "binary", "structured" }), ("default", "binary")],
            },
        }
    ),
    ["kustomization.yaml"] = Kustomization(["kafkasinks.yaml"]),
    ["eventing/brokers.yaml"] = Definition(
        "Broker",
        "v1",
        addressable,
        [
            Column.Url,
            Column.Age,
            Column.Ready,
            Column.Reason,
            new Column("Class", """.metadata.annotations.eventing\.knative\.dev/broker\.class""", Priority: 1),
        ],
        new Extras { Open = ["spec.delivery", "status.annotations"] }
    ),
    ["eventing/triggers.yaml"] = Definition(
        "Trigger",
        "v1",
        [],
        [
            new Column("Broker", ".spec.broker"),
            new Column("Subscriber_URI", ".status.subscriberUri"),
            Column.Age,
            Column.Ready,
            Column.Reason,
        ],
        new Extras { Open = ["spec", "spec.delivery", "status.annotations"] }
    ),
    ["eventing/eventpolicies.yaml"] = Definition(
        "EventPolicy",
        "v1alpha1",
        [],
        [Column.Ready, Column.Reason, Column.Age],
        new Extras { Open = ["status.annotations"] }
    ),
    ["eventing/kustomization.yaml"] = Kustomization(["brokers.yaml", "eventpolicies.yaml", "triggers.yaml"]),
};

var present = Directory.Exists(folder)
    ? Directory
        .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
        .ToArray()
    : [];
var obsolete = present.Where(path => !files.ContainsKey(path)).ToArray();
var changed = files.Where(file => !present.Contains(file.Key) || File.ReadAllText(Path.Combine(folder, file.Key)) != file.Value).ToArray();
if (check)
{
    foreach (var path in obsolete.Concat(changed.Select(file => file.Key)))
    {
        Console.Error.WriteLine($"control-plane/config/crds/{path} is out of date.");
    }

    if (obsolete.Length + changed.Length > 0)
    {
        Console.Error.WriteLine("Run hack/crds and commit what it writes.");
        return 1;
    }

    return 0;
}

foreach (var path in obsolete)
{
    File.Delete(Path.Combine(folder, path));
}

foreach (var (path, text) in changed)
{
    var target = Path.Combine(folder, path);
    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
    File.WriteAllText(target, text);
}

Console.WriteLine($"{files.Count} files: {changed.Length} written, {obsolete.Length} removed.");
return 0;

string Kustomization(string[] resources) =>
    Yaml.Text(
        new Map
        {
            ["apiVersion"] = "kustomize.config.k8s.io/v1beta1",
            ["kind"] = "Kustomization",
            ["resources"] = resources,
        }
    );

string Definition(string kind, string version, string[] ducks, Column[] columns, Extras extras)
{
    const string Group = "eventing.knative.dev";
    var plural = kind.EndsWith('y') ? $"{kind[..^1]}ies".ToLowerInvariant() : $"{kind}s".ToLowerInvariant();
    var labels = new Map();
    foreach (var duck in ducks)
    {
        labels[duck] = "true";
    }

    labels["knative.dev/crd-install"] = "true";
    labels["app.kubernetes.io/version"] = "devel";
    var type = assembly.GetType($"Brokkr.Apis.{kind}", throwOnError: true)!;
    var schema = new Map { ["description"] = documentation.Of(type), ["type"] = "object" };
    schema["properties"] = new Map
    {
        ["apiVersion"] = new Map { ["type"] = "string" },
        ["kind"] = new Map { ["type"] = "string" },
        ["metadata"] = new Map { ["type"] = "object" },
        ["spec"] = Field(type.GetProperty("Spec")!, "spec", extras, []),
        ["status"] = Field(type.GetProperty("Status")!, "status", extras, []),
    };
    return Yaml.Text(
        new Map
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new Map { ["name"] = $"{plural}.{Group}", ["labels"] = labels },
            ["spec"] = new Map
            {
                ["group"] = Group,
                ["names"] = new Map
                {
                    ["kind"] = kind,
                    ["plural"] = plural,
                    ["singular"] = kind.ToLowerInvariant(),
                    ["categories"] = new[] { "all", "knative", "eventing" },
                },
                ["scope"] = "Namespaced",
                ["versions"] = new[]
                {
                    new Map
                    {
                        ["name"] = version,
                        ["served"] = true,
                        ["storage"] = true,
                        ["subresources"] = new Map { ["status"] = new Map() },
                        ["additionalPrinterColumns"] = columns.Select(column => column.ToMap()).ToArray(),
                        ["schema"] = new Map { ["openAPIV3Schema"] = schema },
                    },
                },
            },
        }
    );
}

Map Field(PropertyInfo property, string path, Extras extras, Type[] around)
{
    var schema = new Map { ["description"] = documentation.Of(property) };
    foreach (var (name, value) in Schema(property.PropertyType, path, extras, around))
    {
        schema[name] = value;
    }

    foreach (var (name, value) in extras.More.GetValueOrDefault(path, []))
    {
        schema[name] = value;
    }

    return schema;
}

Map Schema(Type declared, string path, Extras extras, Type[] around)
{
    var type = Nullable.GetUnderlyingType(declared) ?? declared;
    if (type == typeof(string))
    {
        return new Map { ["type"] = "string" };
    }

    if (type == typeof(bool))
    {
        return new Map { ["type"] = "boolean" };
    }

    if (type == typeof(int) || type == typeof(long))
    {
        return new Map { ["type"] = "integer", ["format"] = type == typeof(int) ? "int32" : "int64" };
    }

    if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
    {
        return new Map { ["type"] = "array", ["items"] = Schema(type.GetGenericArguments()[0], path + "[]", extras, around) };
    }

    var schema = new Map { ["type"] = "object" };
    if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
    {
        if (extras.Open.Contains(path))
        {
            schema["x-kubernetes-preserve-unknown-fields"] = true;
        }
        else
        {
            schema["additionalProperties"] = Schema(type.GetGenericArguments()[1], path + "{}", extras, around);
        }

        return schema;
    }

    if (around.Contains(type))
    {
        // A schema cannot refer to itself. What is deeper is checked by the webhook.
        schema["x-kubernetes-preserve-unknown-fields"] = true;
        return schema;
    }

    if (extras.Open.Contains(path))
    {
        schema["x-kubernetes-preserve-unknown-fields"] = true;
    }

    var properties = new Map();
    var required = new List<string>();
    foreach (var property in Properties(type))
    {
        var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);
        var inner = $"{path}.{name}";
        properties[name] = Field(property, inner, extras, [.. around, type]);
        if (extras.Required.Contains(inner))
        {
            required.Add(name);
        }
    }

    schema["properties"] = properties;
    if (required.Count > 0)
    {
        schema["required"] = required.ToArray();
    }

    return schema;
}

/// Those of the base types first, in the order in which they are written.
static IEnumerable<PropertyInfo> Properties(Type type) =>
    (type.BaseType is { } parent && parent != typeof(object) ? Properties(parent) : []).Concat(
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.SetMethod is not null && property.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            .OrderBy(property => property.MetadataToken)
    );

/// A mapping that keeps its order.
internal sealed class Map : List<KeyValuePair<string, object>>
{
    public object this[string name]
    {
        set => Add(new KeyValuePair<string, object>(name, value));
    }
}

/// What a type cannot say, by path: "spec.topic".
internal sealed record Extras
{
    /// Objects that keep fields which the schema does not know.
    public string[] Open { get; init; } = [];

    public string[] Required { get; init; } = [];

    public Dictionary<string, (string Name, object Value)[]> More { get; init; } = [];
}

internal sealed record Column(string Name, string Path, string Type = "string", int Priority = 0)
{
    public static readonly Column Url = new("URL", ".status.address.url");
    public static readonly Column Age = new("Age", ".metadata.creationTimestamp", "date");
    public static readonly Column Ready = new("Ready", ".status.conditions[?(@.type==\"Ready\")].status");
    public static readonly Column Reason = new("Reason", ".status.conditions[?(@.type==\"Ready\")].reason");

    public Map ToMap()
    {
        var map = new Map
        {
            ["name"] = Name,
            ["type"] = Type,
            ["jsonPath"] = Path,
        };
        if (Priority > 0)
        {
            map["priority"] = Priority;
        }

        return map;
    }
}

/// The summaries that the compiler has written, as plain text.
internal sealed class Documentation(string path)
{
    private readonly Dictionary<string, XElement> _members = XDocument
        .Load(path)
        .Descendants("member")
        .ToDictionary(member => member.Attribute("name")!.Value, member => member.Element("summary")!);

    public string Of(Type type) => Text(_members[$"T:{type.FullName}"]);

    public string Of(PropertyInfo property) => Text(_members[$"P:{property.DeclaringType!.FullName}.{property.Name}"]);

    private static string Text(XElement summary)
    {
        // Where the rules stand is of no use to somebody who reads `kubectl explain`.
        var text = Regex.Replace(
            string.Concat(summary.Nodes().Select(Text)),
            @" \((control-plane|[A-Z]{3}-)[^)]*\)|; see [A-Za-z]+(?=\.$)|, see [A-Za-z]+(?=\.)",
            ""
        );
        return Regex.Replace(text, @"\s+", " ").Trim();
    }

    private static string Text(XNode node) =>
        node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "see" } see => JsonNamingPolicy.CamelCase.ConvertName(
                see.Attribute("cref")!.Value.Split('.', ':')[^1]
            ),
            XElement element => element.Value,
            _ => "",
        };
}

internal static class Yaml
{
    public static string Text(Map map)
    {
        var text = new StringBuilder("# Written by hack/crds from the types in control-plane/apis; do not edit.\n");
        Write(map, 0, text);
        return text.ToString();
    }

    private static void Write(Map map, int indent, StringBuilder text)
    {
        foreach (var (name, value) in map)
        {
            text.Append(' ', indent).Append(name).Append(':');
            switch (value)
            {
                case Map { Count: 0 }:
                    text.Append(" {}\n");
                    break;
                case Map inner:
                    text.Append('\n');
                    Write(inner, indent + 2, text);
                    break;
                case Map[] list:
                    text.Append('\n');
                    foreach (var item in list)
                    {
                        var lines = new StringBuilder();
                        Write(item, indent + 4, lines);
                        text.Append(' ', indent + 2).Append("- ").Append(lines.ToString().AsSpan(indent + 4));
                    }

                    break;
                case string[] list:
                    text.Append('\n');
                    foreach (var item in list)
                    {
                        text.Append(' ', indent + 2).Append("- ").Append(Scalar(item)).Append('\n');
                    }

                    break;
                default:
                    text.Append(' ').Append(Scalar(value)).Append('\n');
                    break;
            }
        }
    }

    private static string Scalar(object value) =>
        value switch
        {
            bool flag => flag ? "true" : "false",
            // Plain where it can be nothing else than this text.
            string plain when Regex.IsMatch(plain, "^[A-Za-z][A-Za-z0-9./_-]*$") && plain is not ("true" or "false" or "null") => plain,
            string other => "'" + other.Replace("'", "''") + "'",
            _ => value.ToString()!,
        };
}
