using System.Text.Json;

namespace Brokkr.Receiver.Authentication;

/// <summary>Reads texts out of the documents of an issuer.</summary>
internal static class JsonText
{
    /// <summary>A member of an object; null if it is not there or no text.</summary>
    public static string? Text(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
