using System.Text.Json.Nodes;

namespace Brokkr.Controller.Admission;

/// <summary>
/// Pods of the original's dispatcher: each mounts a ConfigMap of its own name, which no template of a StatefulSet can say. Pods that get their contract
/// through the API server are left alone.
/// </summary>
internal static class PodAdmission
{
    private const string Volume = "contract-resources";
    private const string ReportsContract = "kafka.eventing.knative.dev/reports-contract";

    /// <summary>Replaces the volume, in its place, or adds it.</summary>
    public static AdmissionResponse Default(AdmissionRequest request, AdmissionSettings settings)
    {
        if (
            request is not { Operation: "CREATE", SubResource: "", Object: { } pod }
            || !string.Equals(NamespaceOf(pod, request), settings.SystemNamespace, StringComparison.Ordinal)
            || pod["metadata"]?["annotations"]?[ReportsContract] is JsonValue reports
                && reports.TryGetValue(out string? text)
                && text is "true"
        )
        {
            return AdmissionResponse.Allowed;
        }

        // A name that is generated is not known yet; the mount then never appears, and nobody takes another Pod's contract.
        var name =
            pod["metadata"]?["name"] is JsonValue given && given.TryGetValue(out string? own) && own.Length > 0 ? own : $"{Guid.NewGuid()}";
        var volume = new JsonObject
        {
            ["name"] = Volume,
            ["configMap"] = new JsonObject { ["name"] = name },
        };
        if (pod["spec"] is not JsonObject spec)
        {
            return AdmissionResponse.Allowed;
        }

        if (spec["volumes"] is not JsonArray volumes)
        {
            return new AdmissionResponse { Patch = [JsonPatch.Set("add", "/spec/volumes", new JsonArray(volume))] };
        }

        for (var i = 0; i < volumes.Count; i++)
        {
            if (volumes[i]?["name"] is JsonValue found && found.TryGetValue(out string? which) && which is Volume)
            {
                return JsonNode.DeepEquals(volumes[i], volume)
                    ? AdmissionResponse.Allowed
                    : new AdmissionResponse { Patch = [JsonPatch.Set("replace", $"/spec/volumes/{i}", volume)] };
            }
        }

        return new AdmissionResponse { Patch = [JsonPatch.Set("add", "/spec/volumes/-", volume)] };
    }

    private static string NamespaceOf(JsonObject pod, AdmissionRequest request) =>
        request.Namespace.Length > 0 ? request.Namespace
        : pod["metadata"]?["namespace"] is JsonValue value && value.TryGetValue(out string? text) ? text
        : "";
}
