using System.Text;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>Reads from a failed answer what goes into error attributes (dispatcher §9).</summary>
internal static class FailureReader
{
    private const string Prefix = "kne-";

    /// <summary>The first bytes of the body and the <c>kne-</c> headers. What cannot be read is left out.</summary>
    public static async ValueTask<FailureDetail> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var headers = Headers(response);
        var body = new byte[FailureDetail.BodyLimit];
        var length = 0;
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellation);
            while (length < body.Length)
            {
                var read = await stream.ReadAsync(body.AsMemory(length), cancellation);
                if (read == 0)
                {
                    break;
                }

                length += read;
            }
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException or OperationCanceledException)
        {
            // The status says that it failed; a body that breaks off adds what came of it.
        }

        return length == 0 && headers.Count == 0 ? FailureDetail.Empty : new FailureDetail(body[..length], headers);
    }

    private static List<KeyValuePair<string, byte[]>> Headers(HttpResponseMessage response)
    {
        var found = new List<KeyValuePair<string, byte[]>>();
        foreach (var (name, values) in response.Headers.NonValidated)
        {
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var extension = name[Prefix.Length..].ToLowerInvariant();
            if (!Overrides.IsExtensionName(extension))
            {
                continue;
            }

            foreach (var value in values)
            {
                found.RemoveAll(h => string.Equals(h.Key, extension, StringComparison.Ordinal));
                found.Add(new(extension, Utf8(value)));
            }
        }

        return found;
    }

    /// <summary>Header text comes as one character per byte; where these bytes are UTF-8, they are taken as that.</summary>
    private static byte[] Utf8(string value)
    {
        var bytes = Encoding.Latin1.GetBytes(value);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? bytes : Encoding.UTF8.GetBytes(value);
    }
}
