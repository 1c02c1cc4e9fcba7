using System.Globalization;
using System.Text.Json.Nodes;
using Brokkr.Apis;

namespace Brokkr.Controller.Reconcilers;

/// <summary>What the status of an object should be, and the patch that makes it so.</summary>
/// <param name="types">Types of its conditions; all are dependents of <c>Ready</c>.</param>
internal sealed class StatusDraft(IReadOnlyList<string> types)
{
    /// <summary>The sum of the conditions.</summary>
    public const string Ready = "Ready";

    private readonly Dictionary<string, ObjectCondition> _conditions = new(StringComparer.Ordinal);

    /// <summary>Fields by name; null removes one. What is not named stays.</summary>
    public Dictionary<string, JsonNode?> Fields { get; } = new(StringComparer.Ordinal);

    /// <summary>Annotations by name; null removes one. What is not named stays.</summary>
    public Dictionary<string, string?> Annotations { get; } = new(StringComparer.Ordinal);

    /// <summary>The conditions so far.</summary>
    public IReadOnlyCollection<ObjectCondition> Conditions => _conditions.Values;

    /// <summary>Sets a condition.</summary>
    public void Set(ObjectCondition condition) => _conditions[condition.Type] = condition;

    /// <summary>Sets a condition, unless it is known already.</summary>
    public void SetIfAbsent(ObjectCondition condition) => _conditions.TryAdd(condition.Type, condition);

    /// <summary>A condition; unknown where nothing was said of it.</summary>
    public ObjectCondition this[string type] => _conditions.GetValueOrDefault(type) ?? new ObjectCondition(type, ConditionState.Unknown);

    /// <summary>
    /// The merge patch of the status; null where it is so already. The time of a condition changes with its state only (CPD-19). <c>Ready</c> is the newest of those
    /// that are false, else the newest of those that are unknown (control-plane §3.4). Conditions that others wrote stay as they are and do not count.
    /// </summary>
    /// <param name="current">The status as it is; null for none.</param>
    /// <param name="generation">The generation that this is about.</param>
    /// <param name="now">The time.</param>
    public JsonObject? PatchOf(JsonObject? current, long generation, DateTimeOffset now)
    {
        var patch = new JsonObject();
        Replace(patch, current, "observedGeneration", JsonValue.Create(generation));
        Replace(
            patch,
            current,
            "conditions",
            ConditionsOf(current, now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
        );
        foreach (var (name, value) in Fields)
        {
            Replace(patch, current, name, value?.DeepClone());
        }

        var annotations = new JsonObject();
        var known = current?["annotations"] as JsonObject;
        foreach (var (name, value) in Annotations)
        {
            Replace(annotations, known, name, value is null ? null : JsonValue.Create(value));
        }

        if (annotations.Count > 0)
        {
            patch["annotations"] = annotations;
        }

        return patch.Count > 0 ? patch : null;
    }

    private JsonArray ConditionsOf(JsonObject? current, string now)
    {
        var known = (current?["conditions"] as JsonArray ?? []).OfType<JsonObject>().ToDictionary(Type, StringComparer.Ordinal);
        var all = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        foreach (var other in known.Where(entry => entry.Key is not Ready && !types.Contains(entry.Key, StringComparer.Ordinal)))
        {
            all[other.Key] = (JsonObject)other.Value.DeepClone();
        }

        foreach (var type in types)
        {
            all[type] = Json(this[type], known.GetValueOrDefault(type), now);
        }

        var worst =
            types.Where(type => this[type].State == ConditionState.False).MaxBy(type => TimeOf(all[type]), StringComparer.Ordinal)
            ?? types.Where(type => this[type].State == ConditionState.Unknown).MaxBy(type => TimeOf(all[type]), StringComparer.Ordinal);
        var ready = worst is null ? new ObjectCondition(Ready, ConditionState.True) : this[worst] with { Type = Ready };
        all[Ready] = Json(ready, known.GetValueOrDefault(Ready), now);
        return [.. all.Values];
    }

    private static JsonObject Json(ObjectCondition condition, JsonObject? known, string now)
    {
        var status = condition.State.ToString();
        var isSame = known is not null && string.Equals(known["status"]?.GetValue<string>(), status, StringComparison.Ordinal);
        var json = new JsonObject { ["type"] = condition.Type, ["status"] = status };
        json["lastTransitionTime"] = isSame && known!["lastTransitionTime"] is { } time ? time.GetValue<string>() : now;
        if (condition.Reason.Length > 0)
        {
            json["reason"] = condition.Reason;
        }

        if (condition.Message.Length > 0)
        {
            json["message"] = condition.Message;
        }

        return json;
    }

    private static string Type(JsonObject condition) => condition["type"]?.GetValue<string>() ?? "";

    private static string TimeOf(JsonObject condition) => condition["lastTransitionTime"]?.GetValue<string>() ?? "";

    private static void Replace(JsonObject patch, JsonObject? current, string name, JsonNode? value)
    {
        var known = current?[name];
        if (JsonNode.DeepEquals(known, value))
        {
            return;
        }

        // A merge patch leaves the rest of an object: what is no longer in it must be named.
        if (known is JsonObject before && value is JsonObject after)
        {
            var merged = (JsonObject)after.DeepClone();
            foreach (var gone in before.Where(entry => !after.ContainsKey(entry.Key)))
            {
                merged[gone.Key] = null;
            }

            value = merged;
        }

        patch[name] = value;
    }
}
