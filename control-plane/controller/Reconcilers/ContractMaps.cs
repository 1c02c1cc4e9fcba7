using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;
using Brokkr.Core.Contract;
using Brokkr.Core.Contract.Wire;
using Google.Protobuf;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// The ConfigMaps that hold the contract: one for each Broker and KafkaSink, more where its text is too large, and one for trust bundles. What was written is
/// remembered until the store shows it.
/// </summary>
/// <param name="store">Where they are.</param>
/// <param name="options">Says how large one may be.</param>
internal sealed class ContractMaps(IClusterStore store, ControlPlaneOptions options)
{
    /// <summary>Label of every contract: what it is for.</summary>
    public const string ContractLabel = "kafka.eventing.knative.dev/contract";

    /// <summary>Label of a contract: the unique id of the Broker or KafkaSink.</summary>
    public const string UidLabel = "kafka.eventing.knative.dev/metadata.uid";

    /// <summary>Name of the ConfigMap with trust bundles, and value of its label without the beginning.</summary>
    public const string TrustBundlesName = "kafka-contract-trust-bundles";

    private const string DataKey = "data";

    private readonly ConcurrentDictionary<ObjectName, Known> _written = new();

    /// <summary>Whether a ConfigMap is a contract that this class writes.</summary>
    public static bool IsContract(ObjectName name) =>
        name.Name.StartsWith("kafka-broker-contract-", StringComparison.Ordinal)
        || name.Name.StartsWith("kafka-sink-contract-", StringComparison.Ordinal)
        || name.Name is TrustBundlesName;

    /// <summary>The contract of a Broker or KafkaSink as it is: its parts together; null where there is none.</summary>
    public StoredContract? Read(string kind, string namespaceName, string uid)
    {
        Resource? resource = null;
        var version = 0UL;
        for (var part = 0; Find(NameOf(kind, namespaceName, uid, part)) is { } known; part++)
        {
            version = Math.Max(version, known.Version);
            foreach (var found in known.Contract.Resources)
            {
                if (resource is null)
                {
                    resource = found.Clone();
                }
                else
                {
                    resource.Egresses.Add(found.Egresses);
                }
            }
        }

        return version == 0 ? null : new StoredContract(resource, version);
    }

    /// <summary>Makes the contract of a Broker or KafkaSink so, if it is not.</summary>
    /// <param name="kind"><c>broker</c> or <c>sink</c>.</param>
    /// <param name="namespaceName">Where.</param>
    /// <param name="uid">Its unique id.</param>
    /// <param name="resource">What it holds; null for nothing, so that the data plane lets go of it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The version of the last part to have changed.</returns>
    /// <exception cref="StoreException">It was not written.</exception>
    public async Task<ulong> WriteAsync(string kind, string namespaceName, string uid, Resource? resource, CancellationToken cancellation)
    {
        var version = 0UL;
        var parts = Split(resource);
        for (var part = 0; part < parts.Count; part++)
        {
            var name = NameOf(kind, namespaceName, uid, part);
            version = Math.Max(version, await WriteAsync(name, parts[part], kind, uid, cancellation));
        }

        for (var part = parts.Count; Find(NameOf(kind, namespaceName, uid, part)) is not null; part++)
        {
            await DeleteAsync(NameOf(kind, namespaceName, uid, part), cancellation);
        }

        return version;
    }

    /// <summary>Makes the trust bundles so, if they are not.</summary>
    /// <exception cref="StoreException">They were not written.</exception>
    public Task<ulong> WriteTrustBundlesAsync(IReadOnlyList<string> bundles, CancellationToken cancellation)
    {
        var contract = new Contract();
        contract.TrustBundles.AddRange(bundles);
        return WriteAsync(new ObjectName(options.SystemNamespace, TrustBundlesName), contract, "trust-bundles", "", cancellation);
    }

    /// <summary>Deletes the contract of a Broker or KafkaSink.</summary>
    /// <exception cref="StoreException">It was not deleted.</exception>
    public async Task DeleteAsync(string kind, string namespaceName, string uid, CancellationToken cancellation)
    {
        for (var part = 0; Find(NameOf(kind, namespaceName, uid, part)) is not null; part++)
        {
            await DeleteAsync(NameOf(kind, namespaceName, uid, part), cancellation);
        }
    }

    /// <summary>Deletes one of the ConfigMaps.</summary>
    /// <exception cref="StoreException">It was not deleted.</exception>
    public async Task DeleteAsync(ObjectName name, CancellationToken cancellation)
    {
        await store.DeleteAsync(KeyOf(name), null, cancellation);
        // Until the store shows that it is gone.
        _written[name] = new Known(ulong.MaxValue, new Contract(), IsDeleted: true);
    }

    /// <summary>Takes in that the store shows something new of a ConfigMap.</summary>
    public void Changed(ObjectName name)
    {
        if (!store.Objects.ConfigMaps.ContainsKey(name))
        {
            // Whoever deleted it, it is gone.
            _written.TryRemove(name, out _);
        }
    }

    private async Task<ulong> WriteAsync(ObjectName name, Contract contract, string label, string uid, CancellationToken cancellation)
    {
        if (Find(name) is { } known)
        {
            contract.Generation = known.Contract.Generation;
            if (contract.Equals(known.Contract))
            {
                return known.Version;
            }
        }

        contract.Generation++;
        var labels = new JsonObject { [ContractLabel] = label };
        if (uid.Length > 0)
        {
            labels[UidLabel] = uid;
        }

        var written = await store.ApplyAsync(
            new JsonObject
            {
                ["apiVersion"] = GroupVersion.CoreV1,
                ["kind"] = ConfigMap.KindName,
                ["metadata"] = new JsonObject
                {
                    ["name"] = name.Name,
                    ["namespace"] = name.Namespace,
                    ["labels"] = labels,
                },
                ["binaryData"] = new JsonObject
                {
                    [DataKey] = Convert.ToBase64String(Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(contract))),
                },
            },
            cancellation
        );
        var version = ObjectWriter.NumberOf(written["metadata"]?["resourceVersion"]?.GetValue<string>());
        _written[name] = new Known(version, contract, IsDeleted: false);
        return version;
    }

    private Known? Find(ObjectName name)
    {
        _ = store.Objects.ConfigMaps.TryGetValue(name, out var map);
        if (_written.TryGetValue(name, out var written))
        {
            if (written.IsDeleted)
            {
                return null;
            }

            if (map is null || ObjectWriter.VersionOf(map) <= written.Version)
            {
                return written;
            }

            _written.TryRemove(new KeyValuePair<ObjectName, Known>(name, written));
        }

        return map is null ? null : new Known(ObjectWriter.VersionOf(map), Decode(map), IsDeleted: false);
    }

    private static Contract Decode(ConfigMap map)
    {
        try
        {
            return map.BinaryData?.GetValueOrDefault(DataKey) is { Length: > 0 } text
                ? ContractFormat.Read(Convert.FromBase64String(text))
                : new Contract();
        }
        catch (Exception exception) when (exception is FormatException or ContractFormatException)
        {
            // Somebody spoiled it; it is written anew.
            return new Contract();
        }
    }

    /// <summary>The egresses in as many contracts as are needed; the ingress is in the first.</summary>
    private List<Contract> Split(Resource? resource)
    {
        if (resource is null)
        {
            return [new Contract()];
        }

        // A text is about twice as long as the bytes of its message, certificates are as long.
        var whole = JsonFormatter.Default.Format(resource).Length;
        if (whole <= options.MaxContractBytes)
        {
            return [new Contract { Resources = { resource } }];
        }

        List<Contract> parts = [];
        var part = resource.Clone();
        part.Egresses.Clear();
        var rest = part.Clone();
        rest.Ingress = null;
        var size = JsonFormatter.Default.Format(part).Length;
        var sizeOfRest = JsonFormatter.Default.Format(rest).Length;
        foreach (var egress in resource.Egresses)
        {
            var more = JsonFormatter.Default.Format(egress).Length + 2;
            if (size + more > options.MaxContractBytes && part.Egresses.Count > 0)
            {
                parts.Add(new Contract { Resources = { part } });
                part = rest.Clone();
                size = sizeOfRest;
            }

            part.Egresses.Add(egress);
            size += more;
        }

        parts.Add(new Contract { Resources = { part } });
        return parts;
    }

    private static ObjectName NameOf(string kind, string namespaceName, string uid, int part) =>
        new(
            namespaceName,
            part == 0 ? $"kafka-{kind}-contract-{uid}" : string.Create(CultureInfo.InvariantCulture, $"kafka-{kind}-contract-{uid}-{part}")
        );

    private static ObjectKey KeyOf(ObjectName name) => new("", ConfigMap.KindName, name.Namespace, name.Name);

    private sealed record Known(ulong Version, Contract Contract, bool IsDeleted);
}

/// <summary>The contract of a Broker or KafkaSink as it is stored.</summary>
/// <param name="Resource">What it holds; null for nothing.</param>
/// <param name="Version">The version of the last part to have changed.</param>
internal sealed record StoredContract(Resource? Resource, ulong Version);
