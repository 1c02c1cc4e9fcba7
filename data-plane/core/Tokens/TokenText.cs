using System.Buffers.Text;
using System.Text.Json;

namespace Brokkr.Core.Tokens;

/// <summary>What can be told of a token without knowing its issuer.</summary>
public static class TokenText
{
    /// <summary>Whether it can stand in a header and is nothing else than a token.</summary>
    public static bool IsSendable(string token) => token.Length > 0 && !token.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>When a JSON Web Token says that it ends; null if it does not say so, or is none.</summary>
    public static DateTimeOffset? EndOf(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3)
        {
            return null;
        }

        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
            return
                claims.RootElement.ValueKind == JsonValueKind.Object
                && claims.RootElement.TryGetProperty("exp", out var exp)
                && exp.ValueKind == JsonValueKind.Number
                && exp.TryGetDouble(out var end)
                && end > 0
                && end < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
                ? DateTimeOffset.FromUnixTimeSeconds((long)end)
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            // Only its issuer and whoever checks it need to understand it.
            return null;
        }
    }
}
