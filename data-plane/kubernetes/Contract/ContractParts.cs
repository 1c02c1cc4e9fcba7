using System.Text;
using Brokkr.Core.Contract;
using Brokkr.Kubernetes.Api;
using Microsoft.Extensions.Logging;
using Wire = Brokkr.Core.Contract.Wire;

namespace Brokkr.Kubernetes.Contract;

/// <summary>The contracts of the ConfigMaps that there are. Only what has changed is decoded; what cannot be, keeps the last good state of its ConfigMap. Not for several threads at once.</summary>
/// <param name="namespaceName">Where they are, for the log.</param>
/// <param name="logger">Is told once of each content that cannot be used.</param>
internal sealed class ContractParts(string namespaceName, ILogger logger)
{
    private const string Key = "data";

    // In order, so that equal ConfigMaps make equal contracts.
    private readonly SortedDictionary<string, Part> _parts = new(StringComparer.Ordinal);

    /// <summary>How many ConfigMaps there are.</summary>
    public int Count => _parts.Count;

    /// <summary>How often something was decoded.</summary>
    public long Decoded { get; private set; }

    /// <summary>Names of ConfigMaps whose content cannot be used.</summary>
    public IEnumerable<string> Broken => _parts.Where(static part => part.Value.IsBroken).Select(static part => part.Key);

    /// <summary>The contracts that hold.</summary>
    public IEnumerable<Wire.Contract> Contracts =>
        _parts.Values.Where(static part => part.Contract is not null).Select(static part => part.Contract!);

    /// <summary>These are all there are.</summary>
    /// <returns>Whether that changes the contract.</returns>
    public bool Replace(IReadOnlyList<ConfigMapObject> all)
    {
        var names = all.Select(static item => item.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        var isChanged = false;
        foreach (var gone in _parts.Keys.Where(name => !names.Contains(name)).ToArray())
        {
            isChanged |= Remove(gone);
        }

        foreach (var item in all)
        {
            isChanged |= Put(item);
        }

        return isChanged;
    }

    /// <summary>One is new, or other than it was.</summary>
    /// <returns>Whether that changes the contract.</returns>
    public bool Put(ConfigMapObject item)
    {
        if (!_parts.TryGetValue(item.Metadata.Name, out var part))
        {
            _parts.Add(item.Metadata.Name, part = new Part());
        }

        if (
            string.Equals(part.Uid, item.Metadata.Uid, StringComparison.Ordinal)
            && string.Equals(part.Version, item.Metadata.ResourceVersion, StringComparison.Ordinal)
        )
        {
            return false;
        }

        part.Uid = item.Metadata.Uid;
        part.Version = item.Metadata.ResourceVersion;
        try
        {
            Decoded++;
            var contract = ContractFormat.Read(ContentOf(item));
            part.IsBroken = false;
            if (contract.Equals(part.Contract))
            {
                return false;
            }

            part.Contract = contract;
            return true;
        }
        catch (ContractFormatException failure)
        {
            part.IsBroken = true;
            logger.ContractPartInvalid($"{namespaceName}/{item.Metadata.Name}", failure.Message);
            return false;
        }
    }

    /// <summary>One is gone.</summary>
    /// <returns>Whether that changes the contract.</returns>
    public bool Remove(string name) => _parts.Remove(name, out var part) && part.Contract is not null;

    private static ReadOnlySpan<byte> ContentOf(ConfigMapObject item) =>
        item.BinaryData?.GetValueOrDefault(Key) is { } binary ? binary
        : item.Data?.GetValueOrDefault(Key) is { } text ? Encoding.UTF8.GetBytes(text)
        : throw new ContractFormatException($"it has no entry {Key}");

    private sealed class Part
    {
        public string? Uid { get; set; }

        public string? Version { get; set; }

        public Wire.Contract? Contract { get; set; }

        public bool IsBroken { get; set; }
    }
}
