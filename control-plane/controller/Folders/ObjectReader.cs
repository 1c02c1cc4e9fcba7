using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Folders;

/// <summary>An object as it stands in a document, before defaults and rules, which depend on other objects.</summary>
/// <param name="Key">What it is; null where the document does not say, so that it could be any object.</param>
/// <param name="Value">The object; null where it cannot be read.</param>
/// <param name="Problems">What is wrong with it.</param>
/// <param name="Document">The document.</param>
internal sealed record ReadObject(ObjectKey? Key, ApiObject? Value, IReadOnlyList<FieldProblem> Problems, YamlDocumentJson Document);

/// <summary>Makes objects of documents.</summary>
internal static class ObjectReader
{
    /// <summary>The objects of a document: none of an empty one, several of a <c>List</c>.</summary>
    public static IEnumerable<ReadObject> Read(YamlDocumentJson document, string defaultNamespace)
    {
        switch (document.Json)
        {
            case null:
                return [];
            case JsonObject json when json["kind"] is JsonValue kind && IsText(kind, "List") && json["items"] is JsonArray items:
                return items.Select((item, i) => ReadOne(ItemOf(document, item, i), defaultNamespace)).ToList();
            default:
                return [ReadOne(document, defaultNamespace)];
        }
    }

    private static YamlDocumentJson ItemOf(YamlDocumentJson list, JsonNode? item, int index)
    {
        var prefix = FieldPath.Element("items", index);
        var lines = list
            .Lines.Where(line => line.Key.StartsWith(prefix + ".", StringComparison.Ordinal))
            .ToDictionary(line => line.Key[(prefix.Length + 1)..], line => line.Value, StringComparer.Ordinal);
        return new YamlDocumentJson(item, list.LineOf(prefix), lines);
    }

    private static ReadObject ReadOne(YamlDocumentJson document, string defaultNamespace)
    {
        if (document.Json is not JsonObject json)
        {
            return Unknown(document, "is no Kubernetes object: it must be a mapping with apiVersion and kind");
        }

        var apiVersion = TextOf(json, "apiVersion");
        var kind = TextOf(json, "kind");
        if (apiVersion is null && kind is null)
        {
            return new ReadObject(
                null,
                null,
                [new FieldProblem("", "is no Kubernetes object (no apiVersion, no kind) and is not used", IsWarning: true)],
                document
            );
        }

        if (string.IsNullOrEmpty(apiVersion) || string.IsNullOrEmpty(kind))
        {
            return Unknown(document, "is missing", string.IsNullOrEmpty(kind) ? "kind" : "apiVersion");
        }

        var metadata = json["metadata"] as JsonObject;
        var name = metadata is null ? null : TextOf(metadata, "name");
        if (string.IsNullOrEmpty(name))
        {
            var what = metadata?["name"] is JsonValue ? "must be a text: put it in quotes" : "is missing";
            return Unknown(document, what, "metadata.name");
        }

        var objectNamespace = TextOf(metadata!, "namespace");
        var group = GroupVersion.GroupOf(apiVersion);
        var key = new ObjectKey(group, kind, string.IsNullOrEmpty(objectNamespace) ? defaultNamespace : objectNamespace, name);
        return (group, kind) switch
        {
            (GroupVersion.EventingGroup, Broker.KindName) => Typed(document, json, key, GroupVersion.EventingV1, ApisJson.Default.Broker),
            (GroupVersion.EventingGroup, Trigger.KindName) => Typed(document, json, key, GroupVersion.EventingV1, ApisJson.Default.Trigger),
            (GroupVersion.EventingGroup, KafkaSink.KindName) => Typed(
                document,
                json,
                key,
                GroupVersion.EventingV1Alpha1,
                ApisJson.Default.KafkaSink
            ),
            (GroupVersion.EventingGroup, EventPolicy.KindName) => Typed(
                document,
                json,
                key,
                GroupVersion.EventingV1Alpha1,
                ApisJson.Default.EventPolicy
            ),
            ("", ConfigMap.KindName) => Typed(document, json, key, GroupVersion.CoreV1, ApisJson.Default.ConfigMap),
            ("", Secret.KindName) => Typed(document, json, key, GroupVersion.CoreV1, ApisJson.Default.Secret),
            ("", Service.KindName) => Typed(document, json, key, GroupVersion.CoreV1, ApisJson.Default.Service),
            _ => Other(document, json, key),
        };
    }

    private static ReadObject Typed<T>(YamlDocumentJson document, JsonObject json, ObjectKey key, string version, JsonTypeInfo<T> type)
        where T : ApiObject
    {
        var problems = new List<FieldProblem>();
        if (!string.Equals(TextOf(json, "apiVersion"), version, StringComparison.Ordinal))
        {
            problems.Add(new FieldProblem("apiVersion", $"must be \"{version}\" for a {key.Kind}"));
        }

        problems.AddRange(ShapeCheck.Check(json, type, openSpec: type.Type == typeof(Service), quoteValues: type.Type != typeof(Secret)));
        if (problems.Exists(problem => !problem.IsWarning))
        {
            return new ReadObject(key, null, problems, document);
        }

        if (Deserialize(json, type) is not { } value)
        {
            // All but the status has been checked.
            problems.Add(new FieldProblem("status", "has not the form of a status and is not used", IsWarning: true));
            var withoutStatus = (JsonObject)json.DeepClone();
            withoutStatus.Remove("status");
            value = Deserialize(withoutStatus, type)!;
        }

        return new ReadObject(key, Named(value, key), problems, document);
    }

    /// <summary>Objects of other kinds are kept, since events may be sent to them.</summary>
    private static ReadObject Other(YamlDocumentJson document, JsonObject json, ObjectKey key)
    {
        var value =
            Deserialize(json, ApisJson.Default.AddressableObject) ?? new AddressableObject { ApiVersion = key.Group, Kind = key.Kind };
        IReadOnlyList<FieldProblem> problems = key.Group
            is GroupVersion.EventingGroup
                or "messaging.knative.dev"
                or "sources.knative.dev"
                or "flows.knative.dev"
            ? [new FieldProblem("kind", $"{key.Kind} is not served by this version; the object is not used", IsWarning: true)]
            : [];
        return new ReadObject(key, Named(value, key), problems, document);
    }

    private static T? Deserialize<T>(JsonObject json, JsonTypeInfo<T> type)
        where T : ApiObject
    {
        try
        {
            return json.Deserialize(type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static T Named<T>(T value, ObjectKey key)
        where T : ApiObject =>
        value with
        {
            Metadata = (value.Metadata ?? new ObjectMeta()) with
            {
                Name = key.Name,
                Namespace = key.Namespace,
                Uid = ObjectIds.Of(key),
                Generation = 1,
            },
        };

    private static ReadObject Unknown(YamlDocumentJson document, string message, string path = "") =>
        new(null, null, [new FieldProblem(path, message)], document);

    private static string? TextOf(JsonObject json, string name) =>
        json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static bool IsText(JsonValue value, string text) =>
        value.TryGetValue<string>(out var actual) && string.Equals(actual, text, StringComparison.Ordinal);
}
