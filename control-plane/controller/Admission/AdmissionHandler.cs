using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Apis;

namespace Brokkr.Controller.Admission;

/// <summary>
/// Answers reviews (control-plane §13), by the same rules as the folder of <c>brokkr dev</c>. Three things are never in anybody's way, whatever an object
/// says: writes to a subresource such as <c>status</c>, deletions, and changes of an object that is being deleted, so that its finalizers can go.
/// </summary>
internal sealed class AdmissionHandler
{
    /// <summary>Path at which defaults are filled in.</summary>
    public const string DefaultingPath = "/defaulting";

    /// <summary>Path at which objects are checked.</summary>
    public const string ValidationPath = "/resource-validation";

    /// <summary>Path at which Pods of the dispatcher get their contract.</summary>
    public const string PodsPath = "/pods-defaulting";

    private const string DecodingFailed = "decoding request failed: cannot decode incoming new object";

    private readonly ObjectRules<Broker> _brokers = new BrokerAdmission();
    private readonly ObjectRules<Trigger> _triggers;
    private readonly ObjectRules<KafkaSink> _sinks = new KafkaSinkAdmission();
    private readonly Func<AdmissionSettings> _settings;

    /// <summary>Creates the handler.</summary>
    /// <param name="settings">What holds now.</param>
    /// <param name="access">Asked about Triggers of Brokers in other namespaces; null where nobody can be asked: then there are none.</param>
    public AdmissionHandler(Func<AdmissionSettings> settings, ISubscribeAccess? access)
    {
        _settings = settings;
        _triggers = new TriggerAdmission(access);
    }

    /// <summary>Whether a path is one of those.</summary>
    public static bool Serves(string path) => path is DefaultingPath or ValidationPath or PodsPath;

    /// <summary>Answers a request that came to a path.</summary>
    public ValueTask<AdmissionResponse> AnswerAsync(string path, AdmissionRequest request, CancellationToken cancellation)
    {
        var settings = _settings();
        if (path is PodsPath)
        {
            return new(
                request is { Group: "", Kind: "Pod" }
                    ? PodAdmission.Default(request, settings)
                    : AdmissionResponse.Denied($"mutation failed: unhandled kind: {request.FullKind}")
            );
        }

        return (request.Group, request.Version, request.Kind) switch
        {
            (GroupVersion.EventingGroup, "v1", Broker.KindName) => AnswerAsync(
                path,
                request,
                settings,
                _brokers,
                ApisJson.Default.Broker,
                cancellation
            ),
            (GroupVersion.EventingGroup, "v1", Trigger.KindName) => AnswerAsync(
                path,
                request,
                settings,
                _triggers,
                ApisJson.Default.Trigger,
                cancellation
            ),
            (GroupVersion.EventingGroup, "v1alpha1", KafkaSink.KindName) => AnswerAsync(
                path,
                request,
                settings,
                _sinks,
                ApisJson.Default.KafkaSink,
                cancellation
            ),
            _ => new(
                AdmissionResponse.Denied(
                    $"{(path is DefaultingPath ? "mutation failed" : "decoding request failed")}: unhandled kind: {request.FullKind}"
                )
            ),
        };
    }

    private static async ValueTask<AdmissionResponse> AnswerAsync<T>(
        string path,
        AdmissionRequest request,
        AdmissionSettings settings,
        ObjectRules<T> rules,
        JsonTypeInfo<T> type,
        CancellationToken cancellation
    )
        where T : ApiObject
    {
        if (request.Operation is not ("CREATE" or "UPDATE") || request.SubResource.Length > 0 || request.Object is not { } json)
        {
            return AdmissionResponse.Allowed;
        }

        if (json["metadata"]?["deletionTimestamp"] is not null)
        {
            return AdmissionResponse.Allowed;
        }

        var prefix = path is DefaultingPath ? "mutation failed: cannot decode incoming new object" : DecodingFailed;
        if (path is ValidationPath && ShapeText(json, type) is { } wrong)
        {
            return AdmissionResponse.Denied($"{prefix}: {wrong}");
        }

        T value;
        T? old;
        try
        {
            value = Read(json, request, type);
            old = request is { Operation: "UPDATE", OldObject: { } before } ? Read(before, request, type) : null;
        }
        catch (JsonException exception)
        {
            return AdmissionResponse.Denied($"{prefix}: {ShapeText(json, type) ?? exception.Message}");
        }

        return path is DefaultingPath
            ? Default(rules.Default(value, old, request, settings), value, type)
            : await rules.CheckAsync(value, old, request, settings, cancellation);
    }

    private static AdmissionResponse Default<T>(T defaulted, T value, JsonTypeInfo<T> type)
        where T : ApiObject
    {
        if (ReferenceEquals(defaulted, value))
        {
            return AdmissionResponse.Allowed;
        }

        var before = JsonSerializer.SerializeToNode(value, type)!.AsObject();
        var patch = JsonPatch.Between(before, JsonSerializer.SerializeToNode(defaulted, type)!.AsObject());
        return new AdmissionResponse { Patch = patch };
    }

    private static T Read<T>(JsonObject json, AdmissionRequest request, JsonTypeInfo<T> type)
        where T : ApiObject
    {
        // Whose status it is, and in which form, is not looked at here.
        var withoutStatus = (JsonObject)json.DeepClone();
        withoutStatus.Remove("status");
        return withoutStatus.Deserialize(type) ?? throw new JsonException($"{request.Kind} is null");
    }

    /// <summary>What does not fit the type, as the original says it, with the place on the line below; null where everything fits.</summary>
    private static string? ShapeText<T>(JsonObject json, JsonTypeInfo<T> type)
    {
        var wrong = Apis.Validation.ShapeCheck.Check(json, type).FirstOrDefault(problem => !problem.IsWarning);
        if (wrong is null)
        {
            return null;
        }

        var name = wrong.Path[(wrong.Path.LastIndexOfAny(['.', '[']) + 1)..].TrimEnd(']');
        return wrong.Message.StartsWith("is not a field", StringComparison.Ordinal)
            ? $"json: unknown field \"{name}\"\n{wrong}"
            : wrong.ToString();
    }
}
