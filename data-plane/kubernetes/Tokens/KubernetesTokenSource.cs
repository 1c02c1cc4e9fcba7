using System.Net.Http.Json;
using Brokkr.Core.Tokens;
using Brokkr.Kubernetes.Api;

namespace Brokkr.Kubernetes.Tokens;

/// <summary>
/// Tokens that the API server of the cluster makes for the service accounts of Triggers (TokenRequest; dispatcher §7.9). The process's own service account
/// needs the verb <c>create</c> on <c>serviceaccounts/token</c>.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="time">Says when tokens end.</param>
public sealed class KubernetesTokenSource(ApiConnection connection, TimeProvider time) : ITokenSource
{
    /// <summary>How long tokens shall last, as in the original; Kubernetes gives none for less than ten minutes.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    /// <summary>The original keeps tokens up to their last minutes; an API server that is away for a while should not be noticed.</summary>
    private const double PartOfLife = 0.8;

    /// <inheritdoc/>
    public async Task<TokenResult> IssueAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        if (!IsName(identity.Namespace) || !IsName(identity.ServiceAccount))
        {
            return TokenResult.None("the contract does not name the service account whose it shall be");
        }

        var asked = time.GetUtcNow();
        using var content = JsonContent.Create(
            new TokenRequest
            {
                Spec = new TokenRequestSpec { Audiences = [identity.Audience], ExpirationSeconds = (long)Life.TotalSeconds },
            },
            TokenJson.Default.TokenRequest
        );
        var (answer, problem) = await connection.SendAsync(
            HttpMethod.Post,
            $"api/v1/namespaces/{Uri.EscapeDataString(identity.Namespace)}/serviceaccounts/{Uri.EscapeDataString(identity.ServiceAccount)}/token",
            content,
            TokenJson.Default.TokenRequest,
            cancellation
        );
        if (problem is not null)
        {
            return TokenResult.None(problem.Text);
        }

        if (answer?.Status?.Token is not { } token || !TokenText.IsSendable(token))
        {
            return TokenResult.None("the API server answered without a token");
        }

        // By how long it lasts rather than by when it ends, so that it does not matter whose clock is wrong.
        var life =
            answer.Spec?.ExpirationSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, 365L * 24 * 60 * 60))
            : answer.Status.ExpirationTimestamp is { } end ? end - asked
            : Life;
        return new TokenResult(new SubscriberToken(token, asked + life, asked + (life * PartOfLife)), null);
    }

    /// <summary>Names come from the contract: they must not lead elsewhere.</summary>
    private static bool IsName(string text) => text.Length > 0 && text[0] != '.';
}
