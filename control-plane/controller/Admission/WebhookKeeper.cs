using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Admission;

/// <summary>
/// Keeps the certificate in the Secret and the registration in the configurations. Every replica does: writes are conditional, so that of two that renew at
/// the same time one gives way. A new certificate is shown only after its authority is registered.
/// </summary>
internal sealed class WebhookKeeper(WebhookOptions options, IClusterStore store, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private volatile WebhookCertificate? _shown;

    /// <summary>The certificate that connections are secured with; null before there is one.</summary>
    public WebhookCertificate? Certificate => _shown;

    private TimeSpan Pause => _shown is null && FirstPause < options.CheckInterval ? FirstPause : options.CheckInterval;

    /// <summary>Looks after both until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await CheckAsync(cancellation);
            }
            catch (StoreException exception)
            {
                logger.WebhookNotKept(exception.Message, Pause);
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    /// <summary>Looks once.</summary>
    /// <exception cref="StoreException">Something could not be read or written.</exception>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        var current = await CurrentAsync(cancellation);
        var isRegistered = true;
        foreach (var configuration in WebhookRegistration.Configurations)
        {
            isRegistered &= await RegisterAsync(configuration, current.AuthorityPem, cancellation);
        }

        // What was shown before is good for a while yet. Without any, or when that is over, a certificate that nobody trusts is no worse than none.
        var isUrgent = _shown is null || _shown.Expires < time.GetUtcNow() + (options.CertificateMargin / 2);
        if (current.Is(_shown))
        {
            current.Dispose();
        }
        else if (isRegistered || isUrgent)
        {
            _shown = current;
            logger.WebhookCertificateShown(current.Expires);
        }
    }

    /// <summary>The certificate of the Secret, or a new one that is now in the Secret.</summary>
    private async Task<WebhookCertificate> CurrentAsync(CancellationToken cancellation)
    {
        var key = new ObjectKey("", Secret.KindName, options.SystemNamespace, options.SecretName);
        var json = await store.ReadAsync(key, cancellation);
        var now = time.GetUtcNow();
        if (
            json?.Deserialize(ApisJson.Default.Secret) is { } secret
            && WebhookCertificate.Read(secret, options, now + options.CertificateMargin) is { } present
        )
        {
            return present;
        }

        var created = WebhookCertificate.Create(options, now);
        var data = new JsonObject
        {
            [WebhookCertificate.KeyEntry] = Encode(created.KeyPem),
            [WebhookCertificate.CertificateEntry] = Encode(created.CertificatePem),
            [WebhookCertificate.AuthorityEntry] = Encode(created.AuthorityPem),
        };
        if (json is null)
        {
            await store.ApplyAsync(
                new JsonObject
                {
                    ["apiVersion"] = GroupVersion.CoreV1,
                    ["kind"] = Secret.KindName,
                    ["metadata"] = new JsonObject { ["name"] = options.SecretName, ["namespace"] = options.SystemNamespace },
                    ["data"] = data,
                },
                cancellation
            );
        }
        else
        {
            var patch = new JsonObject
            {
                ["metadata"] = new JsonObject { ["resourceVersion"] = json["metadata"]?["resourceVersion"]?.DeepClone() },
                ["data"] = data,
            };
            await store.PatchAsync(key, patch, "", cancellation);
        }

        logger.WebhookCertificateCreated(options.SystemNamespace, options.SecretName, created.Expires);
        return created;
    }

    /// <returns>Whether the authority is registered, or there is nothing to register it in.</returns>
    private async Task<bool> RegisterAsync(WebhookConfiguration configuration, string authority, CancellationToken cancellation)
    {
        var key = new ObjectKey(WebhookRegistration.Group, configuration.Kind, "", configuration.Name);
        try
        {
            if (
                await store.ReadAsync(key, cancellation) is { } present
                && WebhookRegistration.Change(configuration, present, authority, time.GetUtcNow()) is { } change
            )
            {
                await store.PatchAsync(key, change, "", cancellation);
                logger.WebhookRegistered(configuration.Kind, configuration.Name);
            }

            _told.Remove(configuration.Name);
            return true;
        }
        catch (StoreException exception)
        {
            // Once, not with every look.
            if (
                !_told.TryGetValue(configuration.Name, out var before)
                || !string.Equals(before, exception.Message, StringComparison.Ordinal)
            )
            {
                _told[configuration.Name] = exception.Message;
                logger.WebhookNotRegistered(configuration.Kind, configuration.Name, exception.Message);
            }

            return false;
        }
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
