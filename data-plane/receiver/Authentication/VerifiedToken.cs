using System.Text.Json;

namespace Brokkr.Receiver.Authentication;

/// <summary>
/// The claims of a token whose signature and issuer are right. Whether it counts for a request, which depends on the time and on the resource, is
/// asked for every request.
/// </summary>
internal sealed class VerifiedToken
{
    private readonly Dictionary<string, List<string>> _claims;
    private readonly double? _expires;
    private readonly double? _notBefore;

    private VerifiedToken(Dictionary<string, List<string>> claims, double? expires, double? notBefore)
    {
        _claims = claims;
        _expires = expires;
        _notBefore = notBefore;
    }

    /// <summary>Whom the token is about; null if it does not say.</summary>
    public string? Subject => Values("sub") is [var subject, ..] ? subject : null;

    /// <summary>Reads the claims of a token that this issuer signed.</summary>
    /// <param name="payload">The JSON document.</param>
    /// <param name="issuer">What it must name as its issuer.</param>
    /// <param name="fault">What is wrong; null if nothing is.</param>
    public static VerifiedToken? Read(ReadOnlyMemory<byte> payload, string issuer, out string? fault)
    {
        try
        {
            using var document = JsonDocument.Parse(payload, TokenVerifier.Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                fault = "The claims of the token are no JSON object.";
                return null;
            }

            if (!root.TryGetProperty("iss", out var named) || named.ValueKind != JsonValueKind.String || !named.ValueEquals(issuer))
            {
                fault = "The token was not issued by the issuer whose tokens count here.";
                return null;
            }

            if (!TryTime(root, "exp", out var expires) || !TryTime(root, "nbf", out var notBefore))
            {
                fault = "The claims 'exp' and 'nbf' of the token must be numbers.";
                return null;
            }

            var claims = new Dictionary<string, List<string>>(StringComparer.Ordinal);
            Flatten(claims, "", root);
            fault = null;
            return new VerifiedToken(claims, expires, notBefore);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is what a string with half a surrogate pair throws.
            fault = "The claims of the token are no valid JSON.";
            return null;
        }
    }

    /// <summary>Why the token does not count for an audience now; null if it does. No time is added for clocks that differ, as in the original.</summary>
    /// <param name="audience">Audience of the resource.</param>
    /// <param name="now">The time.</param>
    public string? FaultFor(string audience, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeMilliseconds() / 1000.0;
        if (seconds >= _expires)
        {
            return "The token has expired. Get a new one.";
        }

        if (seconds < _notBefore)
        {
            return "The token is not valid yet. Compare the clocks of sender, issuer and receiver.";
        }

        return Has("aud", audience)
            ? null
            : $"The token is for another audience. Ask for one with the audience '{audience}', which the resource has in its status.";
    }

    /// <summary>
    /// All values of a claim as text. The name of a claim within a claim is that of the outer one, a dot, and its own; a list has several values
    /// (receiver-and-core §11.4).
    /// </summary>
    public IReadOnlyList<string> Values(string claim) => _claims.TryGetValue(claim, out var values) ? values : [];

    /// <summary>Whether a text is one of the values of a claim.</summary>
    public bool Has(string claim, string text)
    {
        var values = Values(claim);
        for (var i = 0; i < values.Count; i++)
        {
            if (string.Equals(values[i], text, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryTime(JsonElement root, string name, out double? seconds)
    {
        seconds = null;
        if (!root.TryGetProperty(name, out var value))
        {
            return true;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            return false;
        }

        seconds = value.GetDouble();
        return double.IsFinite(seconds.Value);
    }

    private static void Flatten(Dictionary<string, List<string>> claims, string name, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    Flatten(claims, name.Length == 0 ? member.Name : $"{name}.{member.Name}", member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var element in value.EnumerateArray())
                {
                    Flatten(claims, name, element);
                }

                break;
            case JsonValueKind.Null:
                break;
            default:
                if (!claims.TryGetValue(name, out var values))
                {
                    claims.Add(name, values = []);
                }

                values.Add(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText());
                break;
        }
    }
}
