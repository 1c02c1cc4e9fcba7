using Brokkr.Core.Tokens;

namespace Brokkr.Dispatcher.Tokens;

/// <summary>
/// Tokens that somebody else puts into files: a person on a laptop, or the kubelet with a projected volume. The token for an audience is in
/// <c>FOLDER/NAMESPACE/SERVICEACCOUNT/AUDIENCE</c>, or, for all service accounts, in <c>FOLDER/AUDIENCE</c>; in the name of the file everything but
/// letters, digits, <c>-</c>, <c>.</c>, <c>_</c> and <c>~</c> is percent-encoded (<c>eventing.knative.dev%2Fbroker%2Fns%2Fname</c>).
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="time">Says how old what was read is.</param>
public sealed class FileTokenSource(string folder, TimeProvider time) : ITokenSource
{
    /// <summary>After this time a file is read again, whatever the token in it says.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(10);

    /// <summary>How long a token may be used that does not say when it ends, while its file cannot be read any more.</summary>
    private static readonly TimeSpan DefaultLife = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public async Task<TokenResult> IssueAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        var name = Uri.EscapeDataString(identity.Audience);
        if (PathOf(identity, name) is not { } path)
        {
            return TokenResult.None($"{folder} has no file for it; its name is {name}");
        }

        string token;
        try
        {
            token = (await File.ReadAllTextAsync(path, cancellation)).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return TokenResult.None(failure.Message);
        }

        if (!TokenText.IsSendable(token))
        {
            return TokenResult.None($"what is in {path} is no token");
        }

        var now = time.GetUtcNow();
        var end = TokenText.EndOf(token) ?? now + DefaultLife;
        return end > now
            ? new TokenResult(new SubscriberToken(token, end, now + Age), null)
            : TokenResult.None($"the token in {path} has ended");
    }

    private string? PathOf(TokenIdentity identity, string name)
    {
        // Names come from the contract: they must not lead elsewhere.
        if (!IsName(name))
        {
            return null;
        }

        if (IsName(identity.Namespace) && IsName(identity.ServiceAccount))
        {
            var own = Path.Combine(folder, identity.Namespace, identity.ServiceAccount, name);
            if (File.Exists(own))
            {
                return own;
            }
        }

        var common = Path.Combine(folder, name);
        return File.Exists(common) ? common : null;
    }

    private static bool IsName(string text) => text.Length > 0 && text[0] != '.' && text.AsSpan().IndexOfAny('/', '\\', '\0') < 0;
}
