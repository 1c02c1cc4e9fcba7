using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Brokkr.Controller.Admission;

/// <summary>
/// What has to stand in the webhook configurations, so that the API server asks us and trusts us. Pure. The objects come with the installation, with
/// whatever time limit and failure policy the installer wants; entries of other names are left alone.
/// </summary>
internal static class WebhookRegistration
{
    /// <summary>API group of the configurations.</summary>
    public const string Group = "admissionregistration.k8s.io";

    /// <summary>The configurations, and the entries in each.</summary>
    public static IReadOnlyList<WebhookConfiguration> Configurations { get; } =
    [
        new(
            "MutatingWebhookConfiguration",
            "defaulting.webhook.kafka.eventing.knative.dev",
            [
                new(
                    "defaulting.webhook.kafka.eventing.knative.dev",
                    AdmissionHandler.DefaultingPath,
                    ["CREATE", "UPDATE"],
                    [Brokers, KafkaSinks]
                ),
                new(
                    "triggers.defaulting.webhook.kafka.eventing.knative.dev",
                    AdmissionHandler.DefaultingPath,
                    ["CREATE", "UPDATE"],
                    [Triggers],
                    IsAdded: true
                ),
            ]
        ),
        new(
            "MutatingWebhookConfiguration",
            "pods.defaulting.webhook.kafka.eventing.knative.dev",
            [new("pods.defaulting.webhook.kafka.eventing.knative.dev", AdmissionHandler.PodsPath, ["CREATE"], [Pods])]
        ),
        new(
            "ValidatingWebhookConfiguration",
            "validation.webhook.kafka.eventing.knative.dev",
            [
                new(
                    "validation.webhook.kafka.eventing.knative.dev",
                    AdmissionHandler.ValidationPath,
                    ["CREATE", "UPDATE"],
                    [Brokers, KafkaSinks]
                ),
                new(
                    "triggers.validation.webhook.kafka.eventing.knative.dev",
                    AdmissionHandler.ValidationPath,
                    ["CREATE", "UPDATE"],
                    [Triggers],
                    IsAdded: true
                ),
            ]
        ),
    ];

    private static WebhookRule Brokers => new("eventing.knative.dev", "v1", "brokers");

    private static WebhookRule KafkaSinks => new("eventing.knative.dev", "v1alpha1", "kafkasinks");

    private static WebhookRule Triggers => new("eventing.knative.dev", "v1", "triggers");

    private static WebhookRule Pods => new("", "v1", "pods");

    /// <summary>The change that a configuration needs, as a JSON merge patch; null for none.</summary>
    /// <param name="wanted">What it is to have.</param>
    /// <param name="present">The configuration as it is.</param>
    /// <param name="authority">The authority of the certificate, in PEM.</param>
    /// <param name="now">Other authorities are kept as long as they are valid: another replica may still show a certificate of theirs.</param>
    public static JsonObject? Change(WebhookConfiguration wanted, JsonObject present, string authority, DateTimeOffset now)
    {
        if (present["webhooks"] is not JsonArray webhooks)
        {
            return null;
        }

        var changed = (JsonArray)webhooks.DeepClone();
        if (changed.OfType<JsonObject>().FirstOrDefault(entry => IsName(entry, wanted.Name)) is { } main)
        {
            var missing = wanted.Entries.Where(entry =>
                entry.IsAdded && !changed.Any(other => other is JsonObject json && IsName(json, entry.Name))
            );
            foreach (var entry in missing.ToList())
            {
                changed.Add((JsonNode)NewEntry(entry, main));
            }
        }

        foreach (var entry in changed.OfType<JsonObject>())
        {
            if (wanted.Entries.FirstOrDefault(candidate => IsName(entry, candidate.Name)) is { } ours)
            {
                Apply(ours, entry, wanted.Kind, authority, now);
            }
        }

        if (JsonNode.DeepEquals(webhooks, changed))
        {
            return null;
        }

        // Lists are replaced whole: only on top of what was read.
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = present["metadata"]?["resourceVersion"]?.DeepClone() },
            ["webhooks"] = changed,
        };
    }

    /// <summary>Like the main entry, but while we are away nobody is held up: Triggers of Brokers of other classes pass here too.</summary>
    private static JsonObject NewEntry(WebhookEntry entry, JsonObject main)
    {
        var added = (JsonObject)main.DeepClone();
        added["name"] = entry.Name;
        added["failurePolicy"] = "Ignore";
        return added;
    }

    private static bool IsName(JsonObject entry, string name) =>
        entry["name"] is JsonValue value && value.TryGetValue(out string? text) && string.Equals(text, name, StringComparison.Ordinal);

    private static void Apply(WebhookEntry ours, JsonObject entry, string kind, string authority, DateTimeOffset now)
    {
        var client = Member(entry, "clientConfig");
        var bundle = client["caBundle"] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
        client["caBundle"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Bundle(bundle, authority, now)));
        if (client["service"] is JsonObject service)
        {
            service["path"] = ours.Path;
        }

        entry["rules"] = new JsonArray([.. ours.Rules.Select(rule => rule.ToJson(ours.Operations))]);
        if (kind is "MutatingWebhookConfiguration")
        {
            entry["reinvocationPolicy"] = "IfNeeded";
        }

        Exclude(Member(entry, "namespaceSelector"));
    }

    /// <summary>Namespaces with the label <c>webhooks.knative.dev/exclude</c> want no webhooks.</summary>
    private static void Exclude(JsonObject selector)
    {
        const string Label = "webhooks.knative.dev/exclude";
        if (selector["matchExpressions"] is not JsonArray expressions)
        {
            selector["matchExpressions"] = expressions = [];
        }

        if (!expressions.Any(expression => expression?["key"] is JsonValue key && key.TryGetValue(out string? text) && text is Label))
        {
            expressions.Add((JsonNode)new JsonObject { ["key"] = Label, ["operator"] = "DoesNotExist" });
        }
    }

    private static JsonObject Member(JsonObject json, string name)
    {
        if (json[name] is not JsonObject member)
        {
            json[name] = member = [];
        }

        return member;
    }

    /// <summary>Our authority first, then those of before that are still valid, up to two.</summary>
    private static string Bundle(string before, string authority, DateTimeOffset now)
    {
        var bundle = new StringBuilder(authority.TrimEnd()).Append('\n');
        var others = new X509Certificate2Collection();
        try
        {
            others.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(before)));
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            // What is not a list of certificates is not worth keeping.
        }

        using var own = X509Certificate2.CreateFromPem(authority);
        foreach (
            var other in others
                .Where(other =>
                    !other.RawDataMemory.Span.SequenceEqual(own.RawDataMemory.Span) && other.NotAfter.ToUniversalTime() > now.UtcDateTime
                )
                .Take(2)
        )
        {
            bundle.Append(other.ExportCertificatePem()).Append('\n');
        }

        foreach (var other in others)
        {
            other.Dispose();
        }

        return bundle.ToString();
    }
}

/// <summary>A configuration object.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
/// <param name="Entries">Its webhooks that are ours.</param>
internal sealed record WebhookConfiguration(string Kind, string Name, IReadOnlyList<WebhookEntry> Entries);

/// <summary>A webhook of a configuration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Where it is asked.</param>
/// <param name="Operations">About what; not deletions, which are always allowed.</param>
/// <param name="Rules">About which objects.</param>
/// <param name="IsAdded">Whether the entry is added where it is missing, as the original's installation does not have it.</param>
internal sealed record WebhookEntry(
    string Name,
    string Path,
    IReadOnlyList<string> Operations,
    IReadOnlyList<WebhookRule> Rules,
    bool IsAdded = false
);

/// <summary>Objects that a webhook is asked about. Never their status: that must not wait for us.</summary>
/// <param name="Group">API group.</param>
/// <param name="Version">Version.</param>
/// <param name="Resource">Resource.</param>
internal sealed record WebhookRule(string Group, string Version, string Resource)
{
    /// <summary>The rule as it stands in the configuration, with what the API server fills in by itself.</summary>
    public JsonObject ToJson(IReadOnlyList<string> operations) =>
        new()
        {
            ["apiGroups"] = new JsonArray(Group),
            ["apiVersions"] = new JsonArray(Version),
            ["operations"] = new JsonArray([.. operations.Select(operation => JsonValue.Create(operation))]),
            ["resources"] = new JsonArray(Resource),
            ["scope"] = "*",
        };
}
