using System.Text.Json;
using System.Text.Json.Nodes;

namespace Brokkr.Controller.Admission;

/// <summary>What the API server asks before it stores an object: the request of an <c>AdmissionReview</c>, <c>v1</c> or <c>v1beta1</c>.</summary>
internal sealed record AdmissionRequest
{
    /// <summary>Version of the review; the answer has the same.</summary>
    public required string ApiVersion { get; init; }

    /// <summary>Goes back with the answer.</summary>
    public required string Uid { get; init; }

    /// <summary>API group of the object; empty for the core group.</summary>
    public required string Group { get; init; }

    /// <summary>Version of the object.</summary>
    public required string Version { get; init; }

    /// <summary>Kind of the object.</summary>
    public required string Kind { get; init; }

    /// <summary><c>CREATE</c>, <c>UPDATE</c>, <c>DELETE</c> or <c>CONNECT</c>.</summary>
    public required string Operation { get; init; }

    /// <summary><c>status</c> and so on; empty for the object itself.</summary>
    public string SubResource { get; init; } = "";

    /// <summary>Namespace of the object.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Who asks.</summary>
    public AdmissionUser User { get; init; } = new("", []);

    /// <summary>The object as it is to be; null when it is deleted.</summary>
    public JsonObject? Object { get; init; }

    /// <summary>The object as it is; null when it is created.</summary>
    public JsonObject? OldObject { get; init; }

    /// <summary><c>eventing.knative.dev/v1, Kind=Trigger</c>.</summary>
    public string FullKind => Group.Length == 0 ? $"/{Version}, Kind={Kind}" : $"{Group}/{Version}, Kind={Kind}";

    /// <summary>Reads a review.</summary>
    /// <returns>Null, and why in <paramref name="error"/>, where it is none.</returns>
    public static AdmissionRequest? Read(JsonNode? review, out string error)
    {
        error = "";
        if (review is not JsonObject { } json || json["request"] is not JsonObject request)
        {
            error = "it has no request";
            return null;
        }

        var apiVersion = Text(json, "apiVersion");
        if (apiVersion is not ("admission.k8s.io/v1" or "admission.k8s.io/v1beta1"))
        {
            error = $"its apiVersion must be admission.k8s.io/v1 or admission.k8s.io/v1beta1, is \"{apiVersion}\"";
            return null;
        }

        var kind = request["kind"] as JsonObject ?? [];
        var user = request["userInfo"] as JsonObject ?? [];
        return new AdmissionRequest
        {
            ApiVersion = apiVersion,
            Uid = Text(request, "uid"),
            Group = Text(kind, "group"),
            Version = Text(kind, "version"),
            Kind = Text(kind, "kind"),
            Operation = Text(request, "operation"),
            SubResource = Text(request, "subResource"),
            Namespace = Text(request, "namespace"),
            User = new AdmissionUser(
                Text(user, "username"),
                [
                    .. (user["groups"] as JsonArray ?? [])
                        .OfType<JsonValue>()
                        .Select(group => group.TryGetValue(out string? text) ? text : ""),
                ]
            ),
            Object = request["object"] as JsonObject,
            OldObject = request["oldObject"] as JsonObject,
        };
    }

    private static string Text(JsonObject json, string name) =>
        json[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
}

/// <summary>Who sends a request to the API server.</summary>
/// <param name="Name">Their name.</param>
/// <param name="Groups">Their groups.</param>
internal sealed record AdmissionUser(string Name, IReadOnlyList<string> Groups);

/// <summary>The answer to a request.</summary>
internal sealed record AdmissionResponse
{
    // A longer one is cut by the API server.
    private const int MaxWarning = 256;

    /// <summary>The object may be stored as it is.</summary>
    public static AdmissionResponse Allowed { get; } = new();

    /// <summary>Why the object may not be stored; null where it may.</summary>
    public string? Denial { get; init; }

    /// <summary>A JSON patch (RFC 6902) by which the object is changed before; empty for none.</summary>
    public JsonArray Patch { get; init; } = [];

    /// <summary>What whoever asked should be told all the same.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The object may not be stored.</summary>
    public static AdmissionResponse Denied(string message) => new() { Denial = message };

    /// <summary>Writes the review that goes back.</summary>
    public void Write(AdmissionRequest request, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("apiVersion", request.ApiVersion);
        json.WriteString("kind", "AdmissionReview");
        json.WriteStartObject("response");
        json.WriteString("uid", request.Uid);
        json.WriteBoolean("allowed", Denial is null);
        if (Denial is not null)
        {
            json.WriteStartObject("status");
            json.WriteString("status", "Failure");
            json.WriteString("message", Denial);
            json.WriteString("reason", "BadRequest");
            json.WriteNumber("code", 400);
            json.WriteEndObject();
        }

        if (Patch.Count > 0)
        {
            json.WriteString("patchType", "JSONPatch");
            json.WriteBase64String("patch", System.Text.Encoding.UTF8.GetBytes(Patch.ToJsonString()));
        }

        if (Warnings.Count > 0)
        {
            json.WriteStartArray("warnings");
            foreach (var warning in Warnings)
            {
                json.WriteStringValue(warning.Length > MaxWarning ? warning[..MaxWarning] : warning);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
