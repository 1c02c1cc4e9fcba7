using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Brokkr.Core.Tls;

namespace Brokkr.Receiver.Authentication;

/// <summary>
/// Asks an issuer for its name and its keys (OpenID Connect Discovery §4; receiver-and-core §11.2). Authorities and the pod's token are read anew
/// each time, because they rotate, and no connection is kept for a question that is asked every few minutes.
/// </summary>
/// <remarks>
/// The pod's token goes to the issuer's address, and to another server that the issuer names for its keys (in a cluster: the API server by its IP
/// address) only if the authorities in <see cref="IssuerOptions.CaFile"/> vouch for it. Any other server is asked without.
/// </remarks>
internal sealed class Discovery(IssuerOptions options)
{
    /// <summary>Far more than any issuer says.</summary>
    private const int LongestDocument = 1024 * 1024;

    /// <summary>Asks.</summary>
    /// <param name="known">What the issuer said last; given back if it still says the same.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="HttpRequestException">The issuer did not answer, or with an error.</exception>
    /// <exception cref="JsonException">The issuer's answer is not valid.</exception>
    /// <exception cref="IOException">The file with the authorities or the token cannot be read.</exception>
    /// <exception cref="CryptographicException">The file with the authorities has no certificate.</exception>
    public async Task<KeySet> AskAsync(KeySet? known, CancellationToken cancellation)
    {
        var authorities = await ReadAuthoritiesAsync(cancellation);
        var token = await ReadTokenAsync(cancellation);
        var (issuer, keys) = ReadConfiguration(await GetAsync(ConfigurationAddress(options.Address), authorities, token, cancellation));
        if (!SameServer(keys, options.Address) && !IsSecure(keys))
        {
            throw new JsonException($"The issuer names {keys} for its keys, which is neither its own address nor https.");
        }

        var source = await GetKeysAsync(keys, authorities, token, cancellation);
        return known?.IsSame(issuer, source) == true ? known : KeySet.Read(issuer, source, options.RememberedTokens);
    }

    private async Task<byte[]> GetKeysAsync(Uri address, ServerTrust? authorities, string? token, CancellationToken cancellation)
    {
        if (SameServer(address, options.Address))
        {
            return await GetAsync(address, authorities, token, cancellation);
        }

        if (authorities is not null)
        {
            try
            {
                return await GetAsync(address, authorities, token, cancellation);
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            {
                // Not one of the cluster's own servers, and so none that may see the pod's token.
            }
        }

        return await GetAsync(address, null, null, cancellation);
    }

    private static async Task<byte[]> GetAsync(Uri address, ServerTrust? authorities, string? token, CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = authorities is null,
        };
        if (authorities is not null)
        {
            handler.SslOptions = authorities.InsteadOfSystem();
        }

        using var client = new HttpClient(handler) { MaxResponseContentBufferSize = LongestDocument };
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellation);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadAsByteArrayAsync(cancellation)
            : throw new HttpRequestException($"{address} answered {(int)response.StatusCode}.", null, response.StatusCode);
    }

    private async Task<ServerTrust?> ReadAuthoritiesAsync(CancellationToken cancellation)
    {
        if (options.CaFile is null || !File.Exists(options.CaFile))
        {
            return null;
        }

        try
        {
            return ServerTrust.Parse(await File.ReadAllTextAsync(options.CaFile, cancellation));
        }
        catch (CryptographicException failure)
        {
            throw new CryptographicException($"{options.CaFile}: {failure.Message}", failure);
        }
    }

    private async Task<string?> ReadTokenAsync(CancellationToken cancellation)
    {
        if (options.TokenFile is null || !File.Exists(options.TokenFile))
        {
            return null;
        }

        var token = (await File.ReadAllTextAsync(options.TokenFile, cancellation)).Trim();
        return token.Length > 0 ? token : null;
    }

    private static Uri ConfigurationAddress(Uri issuer) => new($"{issuer.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration");

    private static bool IsSecure(Uri address) => string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.Ordinal);

    private static bool SameServer(Uri one, Uri other) =>
        Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static (string Issuer, Uri Keys) ReadConfiguration(byte[] source)
    {
        using var document = JsonDocument.Parse(source);
        return
            document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.Text("issuer") is { Length: > 0 } issuer
            && Uri.TryCreate(document.RootElement.Text("jwks_uri"), UriKind.Absolute, out var keys)
            && (IsSecure(keys) || string.Equals(keys.Scheme, Uri.UriSchemeHttp, StringComparison.Ordinal))
            ? (issuer, keys)
            : throw new JsonException("The issuer's configuration does not name an issuer and the address of its keys.");
    }
}
