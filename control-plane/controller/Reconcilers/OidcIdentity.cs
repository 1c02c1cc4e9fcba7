using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Reconcilers;

/// <summary>The ServiceAccount that a Trigger's deliveries are made as (control-plane §12.3).</summary>
internal sealed class OidcIdentity(ReconcilerContext context)
{
    private const int MaxNameLength = 63;
    private const int HashLength = 32;
    private const string Suffix = "-oidc-eventing.knative.dev-Trigger";
    private const string Label = "eventing.knative.dev/oidc";

    /// <summary>Name of the ServiceAccount.</summary>
    public static string NameOf(Trigger trigger) => ChildName(trigger.Name, Suffix).ToLowerInvariant();

    /// <summary>Makes the ServiceAccount, or deletes it where tokens are not used.</summary>
    /// <returns>The condition.</returns>
    /// <exception cref="StoreException">It was not written.</exception>
    public async Task<ObjectCondition> EnsureAsync(Trigger trigger, bool isEnabled, CancellationToken cancellation)
    {
        var name = NameOf(trigger);
        var found = context.Store.Objects.ServiceAccounts.GetValueOrDefault(new ObjectName(trigger.Namespace, name));
        var isOurs =
            found?.Metadata?.OwnerReferences?.Any(owner =>
                owner.Controller is true && string.Equals(owner.Uid, trigger.Uid, StringComparison.Ordinal)
            )
            is true;
        var key = new ObjectKey("", ServiceAccount.KindName, trigger.Namespace, name);
        if (!isEnabled)
        {
            if (isOurs)
            {
                await context.Store.DeleteAsync(key, found!.Uid, cancellation);
            }

            return Conditions.True(Conditions.OidcIdentityCreated, "authentication-oidc feature disabled");
        }

        if (found is null && await context.Store.ReadAsync(key, cancellation) is { } other)
        {
            // Those without the label are not shown.
            var owners = other["metadata"]?["ownerReferences"] as JsonArray ?? [];
            isOurs = owners.Any(owner =>
                owner?["controller"]?.GetValue<bool>() is true
                && string.Equals(owner["uid"]?.GetValue<string>(), trigger.Uid, StringComparison.Ordinal)
            );
            if (!isOurs)
            {
                return NotOwned(trigger, name);
            }
        }
        else if (found is not null && !isOurs)
        {
            return NotOwned(trigger, name);
        }

        var description = $"Service Account for OIDC Authentication for Trigger \"{trigger.Name}\"";
        if (found is null || !string.Equals(found.Annotation("description"), description, StringComparison.Ordinal))
        {
            await context.Store.ApplyAsync(
                new JsonObject
                {
                    ["apiVersion"] = GroupVersion.CoreV1,
                    ["kind"] = ServiceAccount.KindName,
                    ["metadata"] = new JsonObject
                    {
                        ["name"] = name,
                        ["namespace"] = trigger.Namespace,
                        ["labels"] = new JsonObject { [Label] = "enabled" },
                        ["annotations"] = new JsonObject { ["description"] = description },
                        ["ownerReferences"] = new JsonArray(
                            new JsonObject
                            {
                                ["apiVersion"] = GroupVersion.EventingV1,
                                ["kind"] = Trigger.KindName,
                                ["name"] = trigger.Name,
                                ["uid"] = trigger.Uid,
                                ["controller"] = true,
                                ["blockOwnerDeletion"] = false,
                            }
                        ),
                    },
                },
                cancellation
            );
        }

        return Conditions.True(Conditions.OidcIdentityCreated);
    }

    /// <summary>A name made of two parts that is not too long, by Knative's rule: what does not fit gives way to a hash.</summary>
    internal static string ChildName(string parent, string suffix)
    {
        if (parent.Length + suffix.Length <= MaxNameLength)
        {
            return parent + suffix;
        }

        if (suffix.Length < MaxNameLength - HashLength)
        {
            return parent[..Math.Min(parent.Length, MaxNameLength - HashLength - suffix.Length)] + Hash(parent) + suffix;
        }

        var head = parent[..Math.Min(parent.Length, MaxNameLength - HashLength)] + Hash(parent + suffix);
        var name = head + suffix[..Math.Min(suffix.Length, MaxNameLength - head.Length)];
        return name.TrimEnd([.. name.Where(c => !char.IsAsciiLetterOrDigit(c))]);
    }

    private static ObjectCondition NotOwned(Trigger trigger, string name) =>
        Conditions.False(
            Conditions.OidcIdentityCreated,
            "Unable to resolve service account for OIDC authentication",
            $"service account {name} not owned by Trigger {trigger.Name}"
        );

    // Of a name, not of a secret: which hash it is makes the name the one that Knative gives.
#pragma warning disable CA5351
    private static string Hash(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
}
